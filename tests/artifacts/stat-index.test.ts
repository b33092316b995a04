import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { snapshotFiles } from '../../src/artifacts/stat-index.ts'
import { openFolderStore, type FolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { sha256 } from '../../src/lib/sha256.ts'

let root: string
let work: string
let index: string
let store: FolderStore
const roots: string[] = []

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidegate-index-'))
  roots.push(root)
  work = join(root, 'work')
  index = join(root, 'state/index.json')
  mkdirSync(work)
  store = await openFolderStore(join(root, 'store'))
})

afterAll(() => Promise.all(roots.map((each) => rm(each, { recursive: true, force: true }))))

function write(path: string, content: string): void {
  writeFileSync(join(work, path), content)
}

test('files are in the store under the digests it gives, links as links, what is not there left out', async () => {
  write('a.py', 'a')
  symlinkSync('a.py', join(work, 'link'))

  const files = await snapshotFiles(store, index, work, ['a.py', 'link', 'deleted.py'])

  expect(files).toEqual([
    { path: 'a.py', digest: sha256('a'), size: 1, executable: false },
    { path: 'link', digest: sha256('a.py'), size: 4, executable: false, symlink: true },
  ])
  expect(await store.has(sha256('a'))).toBe(1)
})

test('a file that was changed within the same size right after it was read is read again', async () => {
  write('a.py', 'one')
  await snapshotFiles(store, index, work, ['a.py'])
  write('a.py', 'two')

  const [file] = await snapshotFiles(store, index, work, ['a.py'])

  expect(file?.digest).toBe(sha256('two'))
})

test('an old file is remembered, and read again only when something about it changed', async () => {
  write('a.py', 'one')
  await pretendOld()
  await snapshotFiles(store, index, work, ['a.py'])
  const remembered = JSON.parse(readFileSync(index, 'utf8'))
  // What is remembered is believed: the proof that the file was not read.
  const lie = (await store.put(Buffer.from('lie'))).digest
  writeFileSync(index, JSON.stringify({ 'a.py': [remembered['a.py'][0], lie] }))

  const believed = await snapshotFiles(store, index, work, ['a.py'])
  const { mtime } = statSync(join(work, 'a.py'))
  write('a.py', 'two')
  utimesSync(join(work, 'a.py'), mtime, mtime)
  const read = await snapshotFiles(store, index, work, ['a.py'])

  expect(believed[0]?.digest).toBe(lie)
  expect(read[0]?.digest).toBe(sha256('two'))
})

test('a remembered file that the store has lost is stored again', async () => {
  write('a.py', 'one')
  await pretendOld()
  await snapshotFiles(store, index, work, ['a.py'])
  await store.delete(sha256('one'))

  await snapshotFiles(store, index, work, ['a.py'])

  expect(await store.has(sha256('one'))).toBe(3)
})

test('an index that is damaged is as good as none', async () => {
  write('a.py', 'one')
  mkdirSync(join(root, 'state'))
  for (const text of ['{"a.py":', '[]', 'null', '{"a.py":[1]}']) {
    writeFileSync(index, text)

    const [file] = await snapshotFiles(store, index, work, ['a.py'])

    expect(file?.digest).toBe(sha256('one'))
    rmSync(index)
  }
})

/** A change time cannot be set, so we wait until it is out of the racy two seconds. */
async function pretendOld(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  setTimeout(resolve, 2_100)
  await promise
}
