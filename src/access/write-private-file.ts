import { randomUUID } from 'node:crypto'
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Whole or not at all, readable by the owner only, on disk when this returns. Replaces what was there. */
export async function writePrivateFile(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomUUID()}`
  await using handle = await open(temporary, 'wx', 0o600)
  await handle.writeFile(content)
  await handle.sync()
  await rename(temporary, file)
  await using folder = await open(dirname(file), 'r')
  await folder.sync()
}
