import { followLog, getLog, getLogTimes } from '../../api/runs.ts'
import type { Client } from '../../client/client.ts'
import type { LogTime } from '../../core/log-times.ts'
import { attemptsOf } from './attempts-of.ts'

/** Of which step, and of which of its attempts where it is not the last. */
export interface LogPlace {
  readonly params: { readonly project: string; readonly number: number; readonly step: string }
  readonly which: { readonly attempt?: number; readonly service?: string }
}

export interface LogPiece {
  readonly offset: number
  readonly bytes: Buffer
  readonly times: readonly LogTime[]
  /** Where several are followed, one after the other. */
  readonly attempt?: number
}

/** As much as the server gives at once. */
const PIECE_BYTES = 4 << 20

/** A log as far as it has come. */
export async function* piecesOf(client: Client, place: LogPlace, hasTimes: boolean): AsyncGenerator<LogPiece> {
  let next = readPiece(client, place, 0, hasTimes)
  for (;;) {
    const piece = await next
    if (piece.bytes.length === 0) return
    // The next one is on its way while this one is printed; why it fails is told when it is awaited.
    next = readPiece(client, place, piece.offset + piece.bytes.length, hasTimes)
    next.catch(() => undefined)
    yield piece
  }
}

/**
 * A log as it grows: that of the attempt that was named, else those of all attempts from the last on, until the step
 * has ended. A service is followed through one attempt: the next need not have it.
 */
export async function* followedPieces(client: Client, place: LogPlace): AsyncGenerator<LogPiece> {
  const { params, which } = place
  if (which.attempt !== undefined || which.service !== undefined) {
    yield* followedAttempt(client, place)
    return
  }
  let isEmpty = true
  for await (const attempt of attemptsOf(client, params)) {
    for await (const piece of followedAttempt(client, { params, which: { attempt } })) {
      isEmpty = false
      yield { ...piece, attempt }
    }
  }
  // Perhaps its attempts could not even begin: the server says so then.
  if (isEmpty) await client.fetch(getLog, { params, query: { limit: 1 } })
}

async function* followedAttempt(client: Client, { params, which }: LogPlace): AsyncGenerator<LogPiece> {
  for await (const event of client.follow(followLog, { params, query: which })) {
    if (event.event !== 'log') continue
    const { offset, text, times } = event.data as { offset: number; text: string; times: [number, number][] }
    yield { offset, bytes: Buffer.from(text), times: times.map(asTime) }
  }
}

async function readPiece(client: Client, place: LogPlace, offset: number, hasTimes: boolean): Promise<LogPiece> {
  const { params, which } = place
  const response = await client.fetch(getLog, { params, query: { ...which, offset, limit: PIECE_BYTES } })
  const bytes = Buffer.from(await response.arrayBuffer())
  if (!hasTimes || bytes.length === 0) return { offset, bytes, times: [] }
  const range = { from: offset, to: offset + bytes.length }
  const { times } = await client.call(getLogTimes, { params, query: { ...which, ...range } })
  return { offset, bytes, times: times.map(asTime) }
}

function asTime([offset, at]: readonly [number, number]): LogTime {
  return { offset, at }
}
