import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs'
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

/** Whole or not at all: written beside and renamed over what is there. */
export function replaceJsonFile(path: string, value: unknown): void {
  const beside = writeBeside(path, value, false)
  renameSync(beside, path)
}

/** As `replaceJsonFile`, and on the disk when it returns. */
export function replaceJsonFileDurably(path: string, value: unknown): void {
  const beside = writeBeside(path, value, true)
  renameSync(beside, path)
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

/** Exclusive and whole: of several processes exactly one is told `true`, and nobody ever reads a half file. */
export function createJsonFile(path: string, value: unknown): boolean {
  const beside = writeBeside(path, value, false)
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

function writeBeside(path: string, value: unknown, durable: boolean): string {
  const beside = `${path}.${process.pid}-${count++}.tmp`
  const file = openSync(beside, 'w', 0o600)
  try {
    writeSync(file, JSON.stringify(value))
    if (durable) fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return beside
}
