import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { basename, extname, join, normalize, sep } from 'node:path'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

const HEADERS = {
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/**
 * Serves the built web page from `folder`; every path that names no file is the page itself, which routes by itself.
 * Its own addresses have no dot in their last part.
 */
export function createPage(folder: string): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, 'There is nothing to write to here.')
    const path = decodePath(request.url ?? '/')
    const file = await findFile(folder, path)
    if (file === undefined) return answer(response, 404, whyNoFile(path))
    const isAsset = file.includes(`${sep}assets${sep}`)
    response.writeHead(200, {
      ...HEADERS,
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'cache-control': isAsset ? 'public, max-age=31536000, immutable' : 'no-cache',
    })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    await pipeline(createReadStream(file), response)
  }
}

async function findFile(folder: string, path: string): Promise<string | undefined> {
  const file = normalize(join(folder, path))
  if (file.startsWith(folder + sep) && (await isFile(file))) return file
  if (namesFile(path)) return undefined
  const page = join(folder, 'index.html')
  return (await isFile(page)) ? page : undefined
}

function whyNoFile(path: string): string {
  return namesFile(path)
    ? 'There is no such file. A page that was open while Tidegate was updated finds its own when it is loaded anew.'
    : 'The web page is not built. Run `npm run build:web`, or use the packed Tidegate.'
}

function namesFile(path: string): boolean {
  return basename(path).includes('.')
}

function decodePath(url: string): string {
  try {
    return decodeURIComponent(url.split('?')[0] ?? '/')
  } catch {
    return '/'
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(`${text}\n`)
}
