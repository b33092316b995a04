import { randomUUID } from 'node:crypto'

const SANE = /^[A-Za-z0-9._:-]{1,128}$/

/** The client's own request id where it is one that can be logged and joined, else a new UUIDv7. */
export function predictionId(given: string | string[] | undefined, now: number): string {
  return typeof given === 'string' && SANE.test(given) ? given : uuidv7(now)
}

/** Sorts by time. `randomUUID` is used for its pool of random bytes: a fifth of the cost of asking for 10. */
function uuidv7(now: number): string {
  const time = now.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}
