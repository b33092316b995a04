import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { putFolder } from '../../src/artifacts/put.ts'
import { sharedFolders, shareFolder } from '../../src/artifacts/shared-folder.ts'
import { openFolderStore, type FolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { removeFolder } from '../../src/lib/remove-folder.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import type { ArtifactRef } from '../../src/core/tree.ts'
import { flipByte } from '../harness/flip-byte.ts'

let root: string
let storeFolder: string
let store: FolderStore
let source: string
let tree: ArtifactRef

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidegate-shared-'))
})
afterAll(() => removeFolder(root))

let count = 0
beforeEach(async () => {
  const place = join(root, String(count++))
  storeFolder = join(place, 'store')
  mkdirSync(storeFolder, { recursive: true })
  store = await openFolderStore(storeFolder)
  source = join(place, 'source')
  mkdirSync(join(source, 'deep'), { recursive: true })
  writeFileSync(join(source, 'deep/rows.csv'), 'rows')
  writeFileSync(join(source, 'large.bin'), Buffer.alloc(2_000_000, 'x'))
  writeFileSync(join(source, 'tool.sh'), '#!/bin/sh')
  chmodSync(join(source, 'tool.sh'), 0o755)
  symlinkSync('deep/rows.csv', join(source, 'link'))
  tree = await putFolder(store, source)
})

const share = () => shareFolder(store, storeFolder, tree.digest, AbortSignal.timeout(20_000))

test('a folder is shared as it was, to read and not to write, and takes no room of its own', async () => {
  const folder = await share()

  expect(readFileSync(join(folder, 'deep/rows.csv'), 'utf8')).toBe('rows')
  expect(readlinkSync(join(folder, 'link'))).toBe('deep/rows.csv')
  const modes = ['.', 'deep', 'deep/rows.csv', 'tool.sh'].map((path) => statSync(join(folder, path)).mode & 0o777)
  expect(modes).toEqual([0o555, 0o555, 0o444, 0o555])
  expect(statSync(sharedFolders(storeFolder)).mode & 0o777).toBe(0o700)
  expect(statSync(join(folder, 'large.bin')).ino).toBe(
    statSync(store.localPath(sha256(Buffer.alloc(2_000_000, 'x')))).ino,
  )
  expect(statSync(store.localPath(sha256('#!/bin/sh'))).mode & 0o777).toBe(0o444)
})

test('many who want it at once get one folder, and it is not made again', async () => {
  const folders = await Promise.all(Array.from({ length: 5 }, share))
  const { ino } = statSync(folders[0]!)

  expect(await share()).toBe(folders[0])

  expect(new Set(folders).size).toBe(1)
  expect(statSync(folders[0]!).ino).toBe(ino)
  expect(readdirSync(sharedFolders(storeFolder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test('what the store keeps damaged is not shared, and nothing is left of the try', async () => {
  flipByte(store, sha256('rows'))

  await expect(share()).rejects.toMatchObject({
    code: 'DAMAGED',
    details: { lost: [{ path: 'deep/rows.csv', digest: sha256('rows') }] },
  })

  expect(readdirSync(sharedFolders(storeFolder)).filter((name) => !name.endsWith('.lock'))).toEqual([])
})

test('a shared folder whose content was damaged since is made anew, and left to those who are reading it', async () => {
  const before = statSync(await share()).ino
  flipByte(store, sha256('rows'))
  await store.setAside(sha256('rows'))

  await expect(share()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await putFolder(store, source)
  const folder = await share()

  expect(readFileSync(join(folder, 'deep/rows.csv'), 'utf8')).toBe('rows')
  const old = readdirSync(sharedFolders(storeFolder)).filter((name) => name.endsWith('.old'))
  expect(old.map((name) => statSync(join(sharedFolders(storeFolder), name)).ino)).toEqual([before])
  expect(readFileSync(join(sharedFolders(storeFolder), old[0]!, 'large.bin'))).toHaveLength(2_000_000)
})

test('a copy that lost its content is not taken for good', async () => {
  const before = await share()
  expect(statSync(join(before, 'tool.sh')).nlink).toBe(1)
  truncateSync(join(before, 'tool.sh'))

  const folder = await share()

  expect(readFileSync(join(folder, 'tool.sh'), 'utf8')).toBe('#!/bin/sh')
  expect(statSync(join(folder, 'tool.sh')).mode & 0o777).toBe(0o555)
})
