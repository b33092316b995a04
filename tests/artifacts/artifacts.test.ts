import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { materialize } from '../../src/artifacts/materialize.ts'
import { openArtifacts } from '../../src/artifacts/open-artifacts.ts'
import { readTree } from '../../src/artifacts/read.ts'
import { openFolderStore, type FolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { flipByte } from '../harness/flip-byte.ts'
import type { Store } from '../../src/core/ports/store.ts'
import type { TaskArtifacts } from '../../src/core/task.ts'
import type { TreeFile } from '../../src/core/tree.ts'

let root: string
let store: FolderStore
let artifacts: TaskArtifacts
let place: string
let count = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidegate-artifacts-'))
  store = await openFolderStore(join(root, 'store'))
  artifacts = openArtifacts(store)
})

beforeEach(() => {
  place = join(root, String(count++))
  mkdirSync(place)
})

afterAll(() => rm(root, { recursive: true, force: true }))

/** The same store, as if it were far away: no files to clone from. */
function farAway(): Store {
  return { ...store, localPath: undefined } as unknown as Store
}

function makeFolder(): string {
  const folder = join(place, 'source')
  mkdirSync(join(folder, 'src/deep'), { recursive: true })
  mkdirSync(join(folder, 'empty'))
  writeFileSync(join(folder, 'src/deep/b.txt'), 'b')
  writeFileSync(join(folder, 'run.sh'), '#!/bin/sh\n')
  chmodSync(join(folder, 'run.sh'), 0o755)
  symlinkSync('../run.sh', join(folder, 'src/link'))
  writeFileSync(join(folder, 'large'), Buffer.alloc(3_000_000, 'x'))
  return folder
}

describe.each(['on this machine', 'far away'])('a folder from a store %s', (where) => {
  test('comes back as it was: files, modes and links', async () => {
    const reader = openArtifacts(where === 'far away' ? farAway() : store)
    const ref = await artifacts.putFolder(makeFolder())

    await reader.restore(ref, join(place, 'back'))

    const back = join(place, 'back')
    expect(readdirSync(back, { recursive: true, encoding: 'utf8' }).sort()).toEqual([
      'large',
      'run.sh',
      'src',
      'src/deep',
      'src/deep/b.txt',
      'src/link',
    ])
    expect(readFileSync(join(back, 'src/deep/b.txt'), 'utf8')).toBe('b')
    expect(statSync(join(back, 'run.sh')).mode & 0o777).toBe(0o755)
    expect(readlinkSync(join(back, 'src/link'))).toBe('../run.sh')
    expect(sha256(readFileSync(join(back, 'large')))).toBe(sha256(Buffer.alloc(3_000_000, 'x')))
  })
})

test('equal folders have equal names, and one changed byte or mode gives another', async () => {
  const folder = makeFolder()
  const first = await artifacts.putFolder(folder)
  const same = await artifacts.putFolder(folder)
  chmodSync(join(folder, 'src/deep/b.txt'), 0o755)
  const other = await artifacts.putFolder(folder)

  expect(same).toEqual(first)
  expect(other.digest).not.toBe(first.digest)
  expect(first.size).toBe(3_000_000 + 1 + 10 + '../run.sh'.length)
})

test('a link that leads out of its folder is refused', async () => {
  symlinkSync('/etc/passwd', join(place, 'link'))

  await expect(artifacts.putFolder(place)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
})

test('a name that is not UTF-8 is refused as what it is', async () => {
  const folder = makeFolder()
  writeFileSync(join(folder, 'src/sounds like \uFFFD'), '')
  await artifacts.putFolder(folder)
  writeFileSync(Buffer.concat([Buffer.from(join(folder, 'src/caf')), Buffer.from([0xe9])]), '')

  await expect(artifacts.putFolder(folder)).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: String.raw`The name of src/caf\xe9 is not UTF-8. Give it another name.`,
  })
})

test('a file is not read through a link', async () => {
  symlinkSync('/etc/passwd', join(place, 'link'))

  await expect(artifacts.putFile(join(place, 'link'))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
})

test('a tree with a path or a link that leads out is not restored, and nothing is left', async () => {
  const evil: TreeFile[][] = [
    [{ path: '../escaped', ...(await store.put(Buffer.from('x'))), executable: false }],
    [{ path: 'link', ...(await store.put(Buffer.from('/etc'))), executable: false, symlink: true }],
    [
      { path: 'link', ...(await store.put(Buffer.from('.'))), executable: false, symlink: true },
      { path: 'link/x', ...(await store.put(Buffer.from('x'))), executable: false },
    ],
  ]

  for (const files of evil) {
    const tree = await artifacts.putBytes(JSON.stringify({ kind: 'tree', files }))
    const ref = { ...tree, kind: 'tree' } as const
    await expect(artifacts.restore(ref, join(place, 'back'))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  }
  expect(readdirSync(place)).toEqual([])
})

test('what was damaged in the store is not restored', async () => {
  const [restored, read] = [await artifacts.putBytes('precious'), await artifacts.putBytes('dear')]
  flipByte(store, restored.digest)
  flipByte(store, read.digest)

  await expect(artifacts.restore(restored, join(place, 'back'))).rejects.toMatchObject({ code: 'DAMAGED' })
  await expect(artifacts.read(read.digest)).rejects.toMatchObject({ code: 'DAMAGED' })

  expect(existsSync(join(place, 'back'))).toBe(false)
})

test('what was damaged leaves its place at once to whoever can make it again', async () => {
  const folder = makeFolder()
  const ref = await artifacts.putFolder(folder)
  const lost = (await artifacts.filesOf(ref)).filter(({ path }) => path === 'large' || path === 'src/deep/b.txt')
  for (const { digest } of lost) flipByte(store, digest)

  const restoring = artifacts.restore(ref, join(place, 'back'))

  await expect(restoring).rejects.toMatchObject({
    code: 'DAMAGED',
    details: { lost: lost.map(({ path, digest }) => ({ path, digest })) },
  })
  expect(await artifacts.putFolder(folder)).toEqual(ref)
  await artifacts.restore(ref, join(place, 'back'))
  expect(readFileSync(join(place, 'back/src/deep/b.txt'), 'utf8')).toBe('b')
})

test('what was damaged, made again and then deleted is gone, not damaged', async () => {
  const { digest } = await artifacts.putBytes('precious')
  flipByte(store, digest)
  await store.setAside(digest)
  const before = await artifacts.wasDamaged(digest)

  await artifacts.putBytes('precious')
  await store.delete(digest)

  expect([before, await artifacts.wasDamaged(digest)]).toEqual([true, false])
})

test('restoring replaces a file and refuses a folder with something in it', async () => {
  const file = await artifacts.putBytes('new')
  const folder = await artifacts.putFolder(makeFolder())
  writeFileSync(join(place, 'file'), 'old')
  mkdirSync(join(place, 'empty'))

  await artifacts.restore(file, join(place, 'file'))
  await artifacts.restore(folder, join(place, 'empty'))

  expect(readFileSync(join(place, 'file'), 'utf8')).toBe('new')
  expect(existsSync(join(place, 'empty/run.sh'))).toBe(true)
  await expect(artifacts.restore(folder, join(place, 'empty'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  expect(readdirSync(place).sort()).toEqual(['empty', 'file', 'source'])
})

test('a folder of thousands of small files is written with the owner it shall have', async () => {
  const content = await store.put(Buffer.from('small'))
  const files = Array.from({ length: 3_000 }, (_, at) => ({
    path: `d${at % 30}/f${at}`,
    ...content,
    executable: false,
  }))

  await materialize(store, files, place, { owner: { uid: 63_001, gid: 63_002 }, outsideLinks: 'refuse' })

  const { uid, gid, mode } = statSync(join(place, 'd7/f7'))
  expect([uid, gid, mode & 0o777]).toEqual([63_001, 63_002, 0o644])
  expect(readdirSync(place, { recursive: true })).toHaveLength(3_030)
})

test('no file of ours is overwritten by a tree', async () => {
  writeFileSync(join(place, 'a'), 'mine')
  const files = [{ path: 'a', ...(await store.put(Buffer.from('theirs'))), executable: false }]

  await expect(materialize(store, files, place, { outsideLinks: 'refuse' })).rejects.toMatchObject({ code: 'EEXIST' })

  expect(readFileSync(join(place, 'a'), 'utf8')).toBe('mine')
})

test('the text of a tree does not depend on the order its files were found in', async () => {
  const ref = await artifacts.putFolder(makeFolder())
  const tree = await readTree(store, ref.digest)

  expect(tree.files.map((file) => file.path)).toEqual(['large', 'run.sh', 'src/deep/b.txt', 'src/link'])
})
