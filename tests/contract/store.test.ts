import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { STORES } from '../../src/drivers/store/stores.ts'
import { driverFolders } from './driver-folders.ts'
import { flipByte } from '../harness/flip-byte.ts'
import { storeContract } from './store.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidegate-store-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the folder store', () => {
  storeContract(() => openFolderStore(join(folder, 'contract')), flipByte)

  test('keeps content in files that nobody can write by mistake, in a folder only its owner can enter', async () => {
    await using store = await openFolderStore(join(folder, 'modes'))

    const { digest } = await store.put(Buffer.from('precious'))

    expect((await stat(store.localPath(digest))).mode & 0o777).toBe(0o444)
    expect((await stat(join(folder, 'modes'))).mode & 0o777).toBe(0o700)
  })

  test('leaves no temporary file behind, also when a put fails', async () => {
    await using store = await openFolderStore(join(folder, 'tidy'))

    await store.put(Buffer.from('a'))
    await Promise.allSettled([store.put(failing())])

    expect(await readdir(join(folder, 'tidy/incoming'))).toEqual([])
  })
})

test('every store driver is in the registry under the name of its folder', async () => {
  expect(Object.keys(STORES).sort()).toEqual(await driverFolders('store'))
})

function failing(): Readable {
  return new Readable().destroy(new Error('cable cut'))
}
