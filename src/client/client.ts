import type { z } from 'zod'
import { Failure } from '../api/common.ts'
import type { Operation } from '../api/operation.ts'
import { API_ROOT } from '../api/operations.ts'
import { AppError, ERRORS, type ErrorCode } from '../core/errors.ts'

export interface ClientOptions {
  /** Of the server, without `/api/v1`. */
  readonly url: string
  readonly token: string | undefined
}

/** What an operation is called with: the members its contract has, as a caller may write them. */
export type CallInput<Op extends Operation> = Omit<
  { params: z.input<Op['params']>; query: z.input<Op['query']>; body: z.input<Op['body']> },
  Absent<Op>
> & { /** Of an operation that takes bytes. */ readonly content?: Uint8Array }

type Absent<Op extends Operation> =
  | (Op['params'] extends z.ZodUndefined ? 'params' : never)
  | (Op['query'] extends z.ZodUndefined ? 'query' : never)
  | (Op['body'] extends z.ZodUndefined ? 'body' : never)

export interface Client {
  readonly url: string
  /** Answers what the contract says, or throws the server's AppError. */
  call<Op extends Operation>(operation: Op, input: CallInput<Op>, signal?: AbortSignal): Promise<z.output<Op['answer']>>
  /** The raw answer, for text and streams. */
  fetch<Op extends Operation>(operation: Op, input: CallInput<Op>, signal?: AbortSignal): Promise<Response>
  /** Server-sent events of a stream operation, reconnecting from the last id until `signal` aborts or `end` came. */
  follow<Op extends Operation>(operation: Op, input: CallInput<Op>, signal?: AbortSignal): AsyncGenerator<ServerEvent>
}

export interface ServerEvent {
  readonly id: string
  readonly event: string
  readonly data: unknown
}

export function createClient(options: ClientOptions): Client {
  const send = async (
    operation: Operation,
    input: LooseInput,
    signal?: AbortSignal,
    lastEventId?: string,
  ): Promise<Response> => {
    const response = await request(options, operation, input, signal, lastEventId)
    if (!response.ok) throw await failureOf(response, options.url)
    return response
  }
  return {
    url: options.url,
    fetch: (operation, input, signal) => send(operation, input, signal),
    async call(operation, input, signal) {
      const response = await send(operation, input, signal)
      return operation.answer.parse(await response.json()) as never
    },
    follow: (operation, input, signal) => follow((lastId) => send(operation, input, signal, lastId), signal),
  }
}

interface LooseInput {
  readonly content?: Uint8Array
  readonly params?: unknown
  readonly query?: unknown
  readonly body?: unknown
}

async function request(
  options: ClientOptions,
  operation: Operation,
  input: LooseInput,
  signal?: AbortSignal,
  lastEventId?: string,
): Promise<Response> {
  const url = new URL(options.url.replace(/\/$/, '') + API_ROOT + fillPath(operation.path, input.params))
  for (const [name, value] of Object.entries((input.query ?? {}) as Record<string, string | number | undefined>)) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  const headers: Record<string, string> = { accept: 'application/json' }
  if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`
  if (input.body !== undefined) headers['content-type'] = 'application/json'
  if (input.content !== undefined) headers['content-type'] = 'application/octet-stream'
  if (lastEventId !== undefined) headers['last-event-id'] = lastEventId
  try {
    return await fetch(url, {
      method: operation.method,
      headers,
      ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
      ...(input.content === undefined ? {} : { body: input.content as Uint8Array<ArrayBuffer> }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (error) {
    if (signal?.aborted === true) throw error
    throw new AppError(
      'UPSTREAM',
      `No Tidegate answers at ${options.url}. Start one with \`tidegate up\`, or name another with --server.`,
      {},
      { cause: error },
    )
  }
}

function fillPath(path: string, params: unknown): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String((params as Record<string, unknown>)[name])),
  )
}

async function failureOf(response: Response, url: string): Promise<AppError> {
  const text = await response.text()
  const parsed = Failure.safeParse(parseJson(text))
  if (!parsed.success) return new AppError('UPSTREAM', `${url} answered ${response.status}: ${text.slice(0, 200)}`)
  const { code, message, details } = parsed.data.error
  return new AppError(code in ERRORS ? (code as ErrorCode) : 'UPSTREAM', message, details)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const RECONNECT_MS = 500

async function* follow(
  open: (lastId: string | undefined) => Promise<Response>,
  signal?: AbortSignal,
): AsyncGenerator<ServerEvent> {
  let lastId: string | undefined
  const stopped = () => signal?.aborted === true
  while (!stopped()) {
    try {
      const response = await open(lastId)
      for await (const event of parseEvents(response.body)) {
        if (event.id !== '') lastId = event.id
        yield event
        if (event.event === 'end') return
      }
    } catch (error) {
      if (stopped()) return
      if (error instanceof AppError && error.code !== 'UPSTREAM') throw error
    }
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS))
  }
}

async function* parseEvents(body: ReadableStream<Uint8Array> | null): AsyncGenerator<ServerEvent> {
  if (body === null) return
  let buffer = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)) {
    buffer += chunk
    let end: number
    while ((end = buffer.indexOf('\n\n')) >= 0) {
      const event = parseEvent(buffer.slice(0, end))
      buffer = buffer.slice(end + 2)
      if (event !== undefined) yield event
    }
  }
}

function parseEvent(block: string): ServerEvent | undefined {
  const fields: Record<string, string> = {}
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart()
  }
  if (fields['data'] === undefined) return undefined
  return { id: fields['id'] ?? '', event: fields['event'] ?? 'message', data: parseJson(fields['data']) }
}
