import { size } from '../print.ts'

/** A smaller dataset is here before anybody wonders. */
const LARGE_BYTES = 64 << 20

/** The lines that tell of downloads where each stays: of a large one that it begins and each tenth, and of each its end. */
export function fetchLines(): (path: string, receivedBytes: number, totalBytes: number) => string | undefined {
  const tenths = new Map<string, number>()
  return (path, received, total) => {
    if (received === total) return `  ${path}: ${size(total)} received`
    const tenth = Math.floor((received * 10) / total)
    if (total < LARGE_BYTES || tenth <= (tenths.get(path) ?? -1)) return undefined
    tenths.set(path, tenth)
    return `  ${path}: ${size(received)} of ${size(total)}`
  }
}
