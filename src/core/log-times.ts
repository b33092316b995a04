/** When the bytes of a log from `offset` on came, up to the next entry's offset. */
export interface LogTime {
  readonly offset: number
  readonly at: number
}

/** An entry on disk: offset and milliseconds, 48 bits each. Entries stand in the order of their offsets. */
export const LOG_TIME_BYTES = 12

export function writeLogTime(into: Buffer, { offset, at }: LogTime): void {
  into.writeUIntBE(offset, 0, 6)
  into.writeUIntBE(at, 6, 6)
}

/** Whole entries; what a writer has only begun is left for the next look. */
export function readLogTimes(bytes: Buffer): LogTime[] {
  const times: LogTime[] = []
  for (let at = 0; at + LOG_TIME_BYTES <= bytes.length; at += LOG_TIME_BYTES) {
    times.push({ offset: bytes.readUIntBE(at, 6), at: bytes.readUIntBE(at + 6, 6) })
  }
  return times
}

/** The entry that holds for a byte: the last one that begins no later. */
export function timeAt(times: readonly LogTime[], offset: number): number | undefined {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((times[middle]?.offset ?? 0) <= offset) low = middle + 1
    else high = middle
  }
  return times[low - 1]?.at
}
