import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'
import { AppError } from '../../core/errors.ts'

const DECODERS = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const

/**
 * The body, decompressed. Both forms are bounded: TOO_LARGE is known from Content-Length before anything is
 * read, else at the first byte too many; a small body that unpacks to a large one is stopped at the limit.
 */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes)
  const body = await collect(request, limitBytes)
  const encoding = request.headers['content-encoding']
  return encoding === undefined || encoding === 'identity' ? body : await decode(body, encoding, limitBytes)
}

function collect(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limitBytes) {
        request.pause()
        reject(tooLarge(limitBytes))
      } else chunks.push(chunk)
    })
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)))
    request.on('error', reject)
    // It also closes after its end; an Error for each of those would cost more than the JSON.
    request.on('close', () => {
      if (!request.complete) reject(new ClientGone())
    })
  })
}

/** The client hung up before its request was whole: there is nobody to answer. */
export class ClientGone extends Error {}

async function decode(body: Buffer, encoding: string, limitBytes: number): Promise<Buffer> {
  const decoder = encoding === 'gzip' || encoding === 'deflate' ? DECODERS[encoding] : undefined
  if (decoder === undefined)
    throw new AppError('INVALID_INPUT', `Content-Encoding "${encoding}" is not known here; gzip and deflate are`)
  try {
    return await decoder(body, { maxOutputLength: limitBytes })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limitBytes)
    throw new AppError('INVALID_INPUT', `the body is not ${encoding}: ${(cause as Error).message}`, {}, { cause })
  }
}

function tooLarge(limitBytes: number): AppError {
  return new AppError('TOO_LARGE', `the request body is larger than ${limitBytes} bytes`)
}
