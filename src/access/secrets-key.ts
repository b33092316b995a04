import { randomBytes } from 'node:crypto'
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { hasCode } from '../lib/error-code.ts'
import { Keyring } from './keyring.ts'
import { writePrivateFile } from './write-private-file.ts'

/**
 * `<data>/keys/secrets.key`, made by the first start. Whoever has it and the database has the secrets. Beside it
 * stands `next.key` while a rotation is under way, or was when the server died: then rows may be sealed with either.
 */
export async function openSecretsKeys(dataFolder: string): Promise<Keyring> {
  const { current, next } = filesOf(dataFolder)
  const key = (await readKey(current)) ?? (await makeKey(current))
  const other = await readKey(next)
  return other === undefined ? new Keyring(key) : new Keyring(other, key)
}

/** Whether a rotation began and has not ended. */
export async function isRotating(dataFolder: string): Promise<boolean> {
  return (await readKey(filesOf(dataFolder).next)) !== undefined
}

/** On the disk before anything is sealed with it. */
export function makeNextKey(dataFolder: string): Promise<Uint8Array> {
  return makeKey(filesOf(dataFolder).next)
}

/** The old key is gone afterwards: every row must be sealed with the next one. */
export async function replaceKey(dataFolder: string): Promise<void> {
  const { current, next } = filesOf(dataFolder)
  await rename(next, current)
}

function filesOf(dataFolder: string) {
  const folder = join(dataFolder, 'keys')
  return { current: join(folder, 'secrets.key'), next: join(folder, 'next.key') }
}

async function makeKey(file: string): Promise<Uint8Array> {
  const created = randomBytes(32)
  await writePrivateFile(file, created)
  return created
}

async function readKey(file: string): Promise<Uint8Array | undefined> {
  const key = await readIfThere(file)
  if (key === undefined || key.length === 32) return key
  throw new AppError('DAMAGED', `${file} has ${key.length} bytes instead of 32. Restore it from a backup.`)
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
