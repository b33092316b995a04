import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { hasCode } from './error-code.ts'

/** Undefined where there is no such file. Anything else that is wrong with it is thrown. */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * Of a file that `replaceJsonFile` or `createJsonFile` wrote: it is whole, but for a power cut, which may leave the name and not
 * the content. Then whoever wrote it is dead: it is removed, and counts as never written.
 */
export function readWrittenJson(path: string): unknown {
  try {
    return readJsonFile(path)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    unlinkSync(path)
    return undefined
  }
}

/** Whole or not at all: written beside and renamed over what is there. */
export function replaceJsonFile(path: string, value: unknown): void {
  const beside = writeBeside(path, value)
  renameSync(beside, path)
}

/** Waits until the disk has what was renamed to this path, and its name. */
export function syncRename(path: string): void {
  for (const each of [path, dirname(path)]) {
    const opened = openSync(each, 'r')
    fsyncSync(opened)
    closeSync(opened)
  }
}

/** Exclusive and whole: of several processes exactly one is told `true`, and nobody ever reads a half file. */
export function createJsonFile(path: string, value: unknown): boolean {
  const beside = writeBeside(path, value)
  try {
    linkSync(beside, path)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  } finally {
    unlinkSync(beside)
  }
}

let count = 0

/** Whole, or there is no such file: a disk that gets full takes a part of it first. */
function writeBeside(path: string, value: unknown): string {
  const beside = `${path}.${process.pid}-${count++}.tmp`
  try {
    // Unlike `writeSync` it goes on until everything is written, or nothing more can be.
    writeFileSync(beside, JSON.stringify(value), { mode: 0o600 })
    return beside
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
