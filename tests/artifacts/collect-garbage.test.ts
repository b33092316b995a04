import { existsSync, mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { collectGarbage, type GarbageQuestion } from '../../src/artifacts/collect-garbage.ts'
import { putFolder } from '../../src/artifacts/put.ts'
import { openFolderStore, type FolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import type { ArtifactRef } from '../../src/core/tree.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { flipByte } from '../harness/flip-byte.ts'

let root: string
let store: FolderStore
const roots: string[] = []
const NOW = Date.now()
const HOUR = 3_600_000

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidegate-gc-'))
  roots.push(root)
  store = await openFolderStore(join(root, 'store'))
})

afterAll(() => Promise.all(roots.map((each) => rm(each, { recursive: true, force: true }))))

const question: GarbageQuestion = { live: [], cached: [], budgetBytes: 0, minAgeMs: HOUR, now: NOW, dryRun: false }

async function putOld(text: string, ageMs = 2 * HOUR): Promise<ArtifactRef> {
  const content = await store.put(Buffer.from(text))
  const then = new Date(NOW - ageMs)
  utimesSync(store.localPath(content.digest), then, then)
  return { kind: 'file', ...content }
}

test('what is live stays whatever the budget, with all that a tree holds', async () => {
  mkdirSync(join(root, 'folder'))
  writeFileSync(join(root, 'folder/a'), 'a')
  const tree = await putFolder(store, join(root, 'folder'))
  const file = await putOld('live')
  const garbage = await putOld('garbage')

  const { rows, freedBytes } = await collectGarbage(store, { ...question, live: [tree, file], now: NOW + 10 * HOUR })

  expect(rows.filter((row) => row.deleted).map((row) => [row.digest, row.why])).toEqual([
    [garbage.digest, 'nothing refers to it'],
  ])
  expect(rows).toHaveLength(4)
  expect(freedBytes).toBe(7)
  expect(await store.has(tree.digest)).toBeGreaterThan(0)
})

test('a tree that cannot be read, or names what cannot be, does not keep the rest', async () => {
  const impossible = await putOld(
    JSON.stringify({
      kind: 'tree',
      files: ['a', 'a/b'].map((path) => ({ path, digest: sha256('x'), size: 1, executable: false })),
    }),
  )
  const broken = await putOld('{"kind":"tree","files":[]}')
  flipByte(store, broken.digest)
  const garbage = await putOld('garbage')
  const live = [impossible, broken].map((ref) => ({ ...ref, kind: 'tree' }) as const)

  const { rows } = await collectGarbage(store, { ...question, live })

  expect(rows.filter((row) => row.deleted).map((row) => row.digest)).toEqual([garbage.digest])
  expect(rows.find(({ digest }) => digest === impossible.digest)?.why).toBe('live')
})

test('cached outputs stay, the last used first, until the budget is used up', async () => {
  const refs = [await putOld('1'.repeat(100)), await putOld('2'.repeat(100)), await putOld('3'.repeat(100))]
  const cached = refs.map((ref, at) => ({ ref, usedAt: NOW - at }))

  const { dropped, freedBytes } = await collectGarbage(store, { ...question, cached, budgetBytes: 250 })

  expect(dropped).toEqual([cached[2]])
  expect(freedBytes).toBe(100)
  expect(await Promise.all(refs.map((ref) => store.has(ref.digest)))).toEqual([100, 100, undefined])
})

test('what is both live and cached costs the cache nothing', async () => {
  const live = await putOld('l'.repeat(1_000))
  const other = await putOld('o'.repeat(100))
  const cached = [live, other].map((ref) => ({ ref, usedAt: NOW }))

  const { dropped } = await collectGarbage(store, { ...question, live: [live], cached, budgetBytes: 100 })

  expect(dropped).toEqual([])
})

test('what is young stays even when nothing refers to it yet', async () => {
  const young = await putOld('young', HOUR / 2)

  const { rows } = await collectGarbage(store, question)

  expect(rows).toEqual([{ digest: young.digest, size: 5, deleted: false, why: 'too young to judge' }])
})

test('putting content again makes it young', async () => {
  const old = await putOld('old')
  await store.put(Buffer.from('old'))

  await collectGarbage(store, question)

  expect(await store.has(old.digest)).toBe(3)
})

test('content that is put again after it was listed stays', async () => {
  const old = await putOld('old')
  async function* listThenPut() {
    for await (const content of store.list()) {
      await store.put(Buffer.from('old'))
      yield content
    }
  }

  const { rows, freedBytes } = await collectGarbage({ ...store, list: listThenPut }, question)

  expect(rows).toEqual([{ digest: old.digest, size: 3, deleted: false, why: 'too young to judge' }])
  expect(freedBytes).toBe(0)
  expect(await store.has(old.digest)).toBe(3)
})

test('content that is put while it is deleted is there afterwards', async () => {
  for (let round = 0; round < 300; round++) {
    const { digest } = await putOld('old')

    await Promise.all([store.delete(digest, NOW - HOUR), store.put(Buffer.from('old'))])

    expect(await store.has(digest)).toBe(3)
  }
})

test('what a collector that was killed was about to delete is there for the next process', async () => {
  const old = await putOld('old')
  const left = join(root, 'store/leaving', `${old.digest.slice('sha256:'.length)}.0123`)
  mkdirSync(dirname(left), { recursive: true })
  renameSync(store.localPath(old.digest), left)

  await using next = await openFolderStore(join(root, 'store'))

  expect(await next.has(old.digest)).toBe(3)
  expect(existsSync(left)).toBe(false)
})

test('a dry run says the same and deletes nothing', async () => {
  const garbage = await putOld('garbage')

  const dry = await collectGarbage(store, { ...question, dryRun: true })

  expect(await store.has(garbage.digest)).toBe(7)
  expect(await collectGarbage(store, question)).toEqual(dry)
  expect(await store.has(garbage.digest)).toBeUndefined()
})
