import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'

const MOST_BYTES = 16 << 10
const LONGEST_LINE = 300

/** Of a file that may still be written to; none where there is no file. */
export function lastLines(path: string, count: number): string[] {
  const text = readEnd(path)
  const lines = text.split(/\r?\n|\r/).filter((line) => line.trim() !== '')
  return lines.slice(-count).map((line) => line.slice(0, LONGEST_LINE))
}

function readEnd(path: string): string {
  if (!existsSync(path)) return ''
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const bytes = Buffer.alloc(Math.min(size, MOST_BYTES))
    readSync(file, bytes, 0, bytes.length, size - bytes.length)
    return bytes.toString('utf8')
  } finally {
    closeSync(file)
  }
}
