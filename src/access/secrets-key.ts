import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import type { SecretsKey } from './secrets.ts'
import { writePrivateFile } from './write-private-file.ts'

/** `<data>/keys/secrets.key`, made by the first start. Whoever has it and the database has the secrets. */
export async function openSecretsKey(dataFolder: string): Promise<SecretsKey> {
  const file = join(dataFolder, 'keys', 'secrets.key')
  const key = await readIfThere(file)
  if (key === undefined) {
    const created = randomBytes(32)
    await writePrivateFile(file, created)
    return created
  }
  if (key.length === 32) return key
  throw new AppError('DAMAGED', `${file} has ${key.length} bytes instead of 32. Restore it from a backup.`)
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
