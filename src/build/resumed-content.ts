import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, isAppError } from '../core/errors.ts'
import type { DatasetSource, OpenedFile, SourceFile } from '../core/ports/dataset-source.ts'

export interface TransferOptions {
  /** No file may be larger. */
  readonly maxBytes: number
  readonly signal: AbortSignal
  /** Before the tries after a failure without progress; one more fails. */
  readonly pausesMs?: readonly number[]
  log(line: string): void
}

const PAUSES_MS = [200, 1_000, 4_000]

export type Content = Extract<OpenedFile, { kind: 'content' }>

/** Opens a file, again where the source is not well. */
export async function openPatiently(
  source: DatasetSource,
  file: SourceFile,
  ask: Parameters<DatasetSource['open']>[1],
  options: TransferOptions,
): Promise<OpenedFile> {
  const pauses = options.pausesMs ?? PAUSES_MS
  for (let failures = 0; ; failures++) {
    try {
      return listening(await source.open(file, ask, options.signal))
    } catch (error) {
      await pauseOrThrow(error, pauses[failures], options)
    }
  }
}

/** It may break before it is read, which then throws; without a listener it would end the process. */
function listening(opened: OpenedFile): OpenedFile {
  if (opened.kind === 'content') opened.content.on('error', () => undefined)
  return opened
}

/**
 * The bytes of a file from its beginning, whatever breaks on the way: goes on where it stopped, and fails with
 * `replaced` in its details when the source has other content by then.
 */
export async function* resumedContent(
  source: DatasetSource,
  file: SourceFile,
  first: Content,
  options: TransferOptions,
): AsyncGenerator<Buffer> {
  const pauses = options.pausesMs ?? PAUSES_MS
  let received = 0
  let failures = 0
  let part: Content = first
  for (;;) {
    try {
      for await (const chunk of skip(part.content, received - part.start)) {
        received += chunk.length
        failures = 0
        if (received > options.maxBytes) throw tooLarge(options.maxBytes)
        yield chunk
      }
      if (first.size === undefined || received >= first.size) return
      throw new AppError('UPSTREAM', `the transfer ended after ${received} of ${first.size} bytes`)
    } catch (error) {
      await pauseOrThrow(error, pauses[failures++], options)
      options.log(`goes on from byte ${received}`)
    }
    part = await goOn(source, file, first, received, options)
  }
}

async function goOn(
  source: DatasetSource,
  file: SourceFile,
  { stamp }: Content,
  received: number,
  options: TransferOptions,
): Promise<Content> {
  const ask = { from: received, ...(stamp === undefined ? {} : { stamp }) }
  const part = await openPatiently(source, file, ask, options)
  if (
    part.kind === 'content' &&
    part.start <= received &&
    part.stamp === stamp &&
    (stamp !== undefined || received === 0)
  )
    return part
  if (part.kind === 'content') part.content.destroy()
  throw new AppError('UPSTREAM', 'It was replaced while it was read, and is read again.', { replaced: true })
}

async function* skip(content: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const chunk of content) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}

/** What may be well again in a moment is waited for; everything else is thrown on. */
async function pauseOrThrow(error: unknown, pauseMs: number | undefined, options: TransferOptions): Promise<void> {
  options.signal.throwIfAborted()
  const isPassing =
    !(error instanceof AppError) || (isAppError(error, 'UPSTREAM') && error.details['replaced'] !== true)
  if (!isPassing) throw error
  const message = error instanceof AppError ? error.message : whatBroke(error as Error)
  if (pauseMs === undefined) {
    if (error instanceof AppError) throw error
    throw new AppError('UPSTREAM', `the transfer broke off again and again: ${message}`, {}, { cause: error })
  }
  options.log(`${message}; tries again in ${pauseMs} ms`)
  await sleep(pauseMs, undefined, { signal: options.signal })
}

/** Node's fetch says no more than "terminated" itself. */
function whatBroke({ message, cause }: Error): string {
  return cause instanceof Error && !message.includes(cause.message) ? `${message} (${cause.message})` : message
}

function tooLarge(maxBytes: number): AppError {
  return new AppError(
    'TOO_LARGE',
    `It is larger than ${maxBytes} bytes, which is what this server takes as a file of a dataset (\`datasets.max-size\` of server.yaml).`,
  )
}
