import { Readable } from 'node:stream'
import { AppError } from '../../../core/errors.ts'
import type { DatasetSource, OpenedFile, OpenRequest } from '../../../core/ports/dataset-source.ts'

export interface HttpsPlace {
  readonly url: string
  /** The value of a secret: a whole `Authorization` header (`Basic …`), or a bearer token alone. */
  readonly secret?: string
}

const REDIRECTS = 5

/**
 * One file behind an address. Certificates are always checked; the installation's own authorities and proxies
 * come from the environment of this process (NODE_EXTRA_CA_CERTS, HTTPS_PROXY). The secret goes to the
 * address's own origin and to no other that it redirects to.
 */
export function openHttpsSource({ url, secret }: HttpsPlace): DatasetSource {
  return {
    isFolder: false,
    list: async () => [{ path: '' }],
    open: (_file, ask, signal) => openFile(url, secret, ask, signal),
    async [Symbol.asyncDispose]() {},
  }
}

async function openFile(
  url: string,
  secret: string | undefined,
  ask: OpenRequest,
  signal: AbortSignal,
): Promise<OpenedFile> {
  const response = await follow(url, secret, headersOf(ask), signal)
  if (response.status === 304) return { kind: 'unchanged' }
  // A resumed transfer whose end we had already.
  if (response.status === 416) return openFile(url, secret, { from: 0 }, signal)
  if (!response.ok || response.body === null) throw await refusal(url, response)
  const start = response.status === 206 ? startOf(response) : 0
  const stamp = stampOf(response)
  const length = response.headers.get('content-length')
  // Compressed on the way: its length is not the file's.
  const isPlain = response.headers.get('content-encoding') === null
  return {
    kind: 'content',
    content: Readable.fromWeb(response.body),
    start,
    ...(length === null || !isPlain ? {} : { size: start + Number(length) }),
    ...(stamp === undefined ? {} : { stamp }),
  }
}

/** A stamp is `etag "…"` or `modified <date>`; weak tags say only that the meaning is the same. */
function stampOf({ headers }: Response): string | undefined {
  const etag = headers.get('etag')
  if (etag !== null && !etag.startsWith('W/')) return `etag ${etag}`
  const modified = headers.get('last-modified')
  return modified === null ? undefined : `modified ${modified}`
}

function headersOf({ from, stamp, known }: OpenRequest): Record<string, string> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }
  if (known !== undefined) headers[known.startsWith('etag ') ? 'if-none-match' : 'if-modified-since'] = valueOf(known)
  if (from > 0) headers['range'] = `bytes=${from}-`
  if (from > 0 && stamp !== undefined) headers['if-range'] = valueOf(stamp)
  return headers
}

function valueOf(stamp: string): string {
  return stamp.slice(stamp.indexOf(' ') + 1)
}

function startOf({ headers }: Response): number {
  const start = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1]
  if (start === undefined) throw new AppError('UPSTREAM', 'The server sent a part of the file without saying which.')
  return Number(start)
}

async function follow(
  first: string,
  secret: string | undefined,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  let url = new URL(first)
  for (let hops = 0; hops <= REDIRECTS; hops++) {
    const own = url.origin === new URL(first).origin && secret !== undefined ? { authorization: authorize(secret) } : {}
    const response = await request(url, { ...headers, ...own }, signal)
    const location = response.headers.get('location')
    if (response.status < 300 || response.status > 399 || response.status === 304 || location === null) return response
    await response.body?.cancel()
    url = nextUrl(url, location)
  }
  throw new AppError('INVALID_INPUT', `${first} redirects more than ${REDIRECTS} times.`)
}

function nextUrl(url: URL, location: string): URL {
  const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined
  if (next?.protocol === 'https:') return next
  throw new AppError('INVALID_INPUT', `${shown(url)} redirects to ${location.slice(0, 200)}, which is not https.`)
}

function authorize(secret: string): string {
  return secret.includes(' ') ? secret : `Bearer ${secret}`
}

async function request(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { headers, signal, redirect: 'manual' })
  } catch (error) {
    signal.throwIfAborted()
    throw translated(url, error)
  }
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)_|HOSTNAME_MISMATCH|ALTNAME/

function translated(url: URL, error: unknown): AppError {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause
  const why = cause?.code ?? cause?.message ?? (error as Error).message
  if (CERTIFICATE.test(why)) {
    return new AppError(
      'INVALID_INPUT',
      `${shown(url)} has a certificate that is not trusted here (${why}). Name the authority's file in SSL_CERT_FILE where the server is started.`,
      {},
      { cause: error },
    )
  }
  return new AppError('UPSTREAM', `${shown(url)} cannot be reached: ${why}.`, {}, { cause: error })
}

async function refusal(url: string, response: Response): Promise<AppError> {
  await response.body?.cancel()
  const { status } = response
  const place = shown(new URL(url))
  if (status === 401 || status === 403)
    return new AppError('INVALID_INPUT', `${place} answers ${status}: name a \`secret\` that may read it.`)
  if (status === 404 || status === 410)
    return new AppError('INVALID_INPUT', `${place} answers ${status}: nothing is there.`)
  const isBusy = status >= 500 || status === 408 || status === 425 || status === 429
  return new AppError(isBusy ? 'UPSTREAM' : 'INVALID_INPUT', `${place} answers ${status}.`)
}

/** Queries hold signatures. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`
}
