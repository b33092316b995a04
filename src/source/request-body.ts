import type { IncomingMessage } from 'node:http'
import { Transform, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { AppError } from '../core/errors.ts'

/** The steps of a request's body on its way into git: unpacked where it came packed, counted after that. */
export function bodySteps(request: IncomingMessage, maxBytes: number): [Readable, ...Transform[]] {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return [request, countBytes(maxBytes)]
  if (encoding === 'gzip' || encoding === 'x-gzip') return [request, createGunzip(), countBytes(maxBytes)]
  throw new AppError('INVALID_INPUT', `A body in ${JSON.stringify(encoding)} is not understood; use gzip or nothing.`)
}

/** After unpacking, so that a small body cannot become an endless one. */
function countBytes(maxBytes: number): Transform {
  let size = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (size <= maxBytes) return done(null, chunk)
      done(new AppError('TOO_LARGE', `The request has more than ${maxBytes} bytes.`))
    },
  })
}
