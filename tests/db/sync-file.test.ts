import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openFileSync } from '../../src/db/sync-file.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidegate-sync-'))
})

afterAll(() => rm(folder, { recursive: true }))

test('calls that come while the disk works share the sync after it', async () => {
  const path = join(folder, 'log')
  await writeFile(path, '')
  using file = openFileSync(path)
  const sync = () => file.sync()

  const [first, second, third] = [sync(), sync(), sync()]

  expect(second).not.toBe(first)
  expect(third).toBe(second)
  await Promise.all([first, second, third])
  await appendFile(path, 'more')
  await sync()
})

test('what could not be synced once is never said to be on the disk', async () => {
  const path = join(folder, 'away')
  using file = openFileSync(path)
  const sync = () => file.sync()
  await expect(sync()).rejects.toMatchObject({ code: 'INTERNAL', message: expect.stringContaining(path) as string })

  await writeFile(path, '')

  await expect(sync()).rejects.toMatchObject({ code: 'INTERNAL' })
  await expect(Promise.all([sync(), sync()])).rejects.toMatchObject({ code: 'INTERNAL' })
})
