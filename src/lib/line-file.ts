import { fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'

/** A destination for pino. It has its file open until the process ends. */
export interface LineFile {
  write(line: string): void
}

/**
 * Adds whole lines to a file, at once. A line that the disk does not take is dropped, because a server that cannot log must go on;
 * the next one that it takes comes after one that says how many are missing, which `describeLost` makes. Throws only where the
 * file cannot be opened.
 */
export function openLineFile(path: string, describeLost: (lines: number) => string): LineFile {
  const file = openSync(path, 'a', 0o600)
  let size = fstatSync(file).size
  let lost = 0

  function append(line: string): void {
    const bytes = Buffer.from(line)
    let written = 0
    while (written < bytes.length) written += writeSync(file, bytes, written)
    size += written
  }

  return {
    write(line) {
      try {
        if (lost > 0) append(describeLost(lost))
        lost = 0
        append(line)
      } catch {
        lost += 1
        takeBack(file, size)
      }
    },
  }
}

/** Of a disk that gets full a part of the line may have found room. */
function takeBack(file: number, size: number): void {
  try {
    ftruncateSync(file, size)
  } catch {
    // A disk that does not even take that has nothing to say to us.
  }
}
