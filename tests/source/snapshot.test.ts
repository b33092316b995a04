import { chmod, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Digest } from '../../src/core/digest.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import {
  changedFiles,
  defaultHead,
  listCommitFiles,
  readCommitText,
  readCommitTexts,
  resolveRef,
} from '../../src/source/read-commit.ts'
import { commitsBetween, readCommit } from '../../src/source/read-history.ts'
import { ensureRepository } from '../../src/source/repositories.ts'
import { snapshotCommit } from '../../src/source/snapshot-commit.ts'
import { commitFiles, git, makeWork, temporaryFolder } from './git-place.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: Store

beforeAll(async () => {
  folder = await temporaryFolder()
  store = await openFolderStore(join(folder.path, 'store'))
})

afterAll(async () => {
  await store[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

/** A bare repository of ours with what `work` has. */
async function publish(work: string, project: string): Promise<string> {
  const repository = await ensureRepository(join(folder.path, 'data'), { repository: project }, 'main')
  await git(work, 'push', '--quiet', '--all', repository)
  return repository
}

async function textOf(digest: Digest): Promise<string> {
  return Buffer.concat(await (await store.get(digest)).toArray()).toString()
}

test('a snapshot has every file with its mode, and a tree that names them', async () => {
  const large = 'x'.repeat(3 << 20)
  const work = await makeWork(folder.path, 'modes', {
    'train.py': 'print(1)\n',
    'ä/ü b.txt': 'umlaut',
    'a/z.txt': '',
    'a.txt': 'same',
    'copy.txt': 'same',
    'large.bin': large,
    'run.sh': '#!/bin/sh\n',
    'weights.bin': 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n',
  })
  await chmod(join(work, 'run.sh'), 0o755)
  await symlink('train.py', join(work, 'link'))
  const commit = await commitFiles(work, {}, 'modes')
  const repository = await publish(work, 'modes')

  const { tree, files, lfsPointers } = await snapshotCommit(store, repository, commit)

  expect(files.map((file) => file.path)).toEqual([
    'a.txt',
    'a/z.txt',
    'copy.txt',
    'large.bin',
    'link',
    'run.sh',
    'train.py',
    'weights.bin',
    'ä/ü b.txt',
  ])
  const byPath = new Map(files.map((file) => [file.path, file]))
  expect(byPath.get('train.py')).toEqual({
    path: 'train.py',
    digest: sha256('print(1)\n'),
    size: 9,
    executable: false,
  })
  expect(byPath.get('run.sh')!.executable).toBe(true)
  expect(byPath.get('link')).toMatchObject({ symlink: true, digest: sha256('train.py') })
  expect(byPath.get('large.bin')).toMatchObject({ digest: sha256(large), size: large.length })
  expect(byPath.get('a/z.txt')).toMatchObject({ size: 0, digest: sha256('') })
  expect(lfsPointers).toEqual(['weights.bin'])
  expect(JSON.parse(await textOf(tree))).toEqual({ kind: 'tree', files })
  for (const file of files) expect(await store.has(file.digest)).toBe(file.size)
})

test('files that an earlier commit had are not stored again, unless they are gone', async () => {
  const work = await makeWork(folder.path, 'again', { 'keep.txt': 'kept', 'edit.txt': 'one' })
  const first = await git(work, 'rev-parse', 'HEAD')
  const second = await commitFiles(work, { 'edit.txt': 'two' }, 'edit')
  const repository = await publish(work, 'again')
  let puts = 0
  const counting: Store = {
    ...store,
    put: (content) => {
      puts += 1
      return store.put(content)
    },
  }

  await snapshotCommit(counting, repository, first)
  const afterFirst = puts
  const changed = await snapshotCommit(counting, repository, second)
  const afterSecond = puts
  await store.delete(sha256('kept'))
  const repaired = await snapshotCommit(counting, repository, second)

  // Each time the tree is one of them.
  expect([afterFirst, afterSecond - afterFirst, puts - afterSecond]).toEqual([3, 2, 2])
  expect(repaired).toEqual(changed)
  expect(await store.has(sha256('kept'))).toBe(4)
})

test('one folder of a repository with several is a tree of its own', async () => {
  const work = await makeWork(folder.path, 'mono', { 'models/fraud/train.py': 'f', 'models/churn/train.py': 'c' })
  const repository = await publish(work, 'mono')
  const commit = await git(work, 'rev-parse', 'HEAD')

  const snapshot = await snapshotCommit(store, repository, commit, 'models/fraud')

  expect(snapshot.files.map((file) => file.path)).toEqual(['train.py'])
  await expect(snapshotCommit(store, repository, commit, 'models/none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a file whose name is no UTF-8 is refused by its name', async () => {
  const work = await makeWork(folder.path, 'latin', { 'data/train.py': '' })
  await writeFile(Buffer.concat([Buffer.from(join(work, 'data/caf')), Buffer.of(0xe9)]), 'x')
  await git(work, 'add', '--all')
  await git(work, 'commit', '--quiet', '--message', 'a name')
  const repository = await publish(work, 'latin')

  await expect(snapshotCommit(store, repository, await git(work, 'rev-parse', 'HEAD'))).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: String.raw`The name of data/caf\xe9 is not UTF-8. Give it another name.`,
  })
})

test('a repository that is gone is named, and not git', async () => {
  const gone = join(folder.path, 'gone.git')

  await expect(resolveRef(gone, 'main')).rejects.toMatchObject({
    code: 'UPSTREAM',
    message: expect.stringMatching(`^The repository ${gone} is not there. Start the server on the data folder`),
  })
})

test('a submodule is refused by its name', async () => {
  const work = await makeWork(folder.path, 'sub', { 'train.py': '' })
  const entry = `160000,${'1'.repeat(40)},vendor/lib`
  await git(work, 'update-index', '--add', '--cacheinfo', entry)
  await git(work, 'commit', '--quiet', '--message', 'submodule')
  const repository = await publish(work, 'sub')

  const refused = snapshotCommit(store, repository, await git(work, 'rev-parse', 'HEAD'))

  await expect(refused).rejects.toMatchObject({
    code: 'NOT_AVAILABLE_YET',
    message: expect.stringContaining('vendor/lib is a submodule') as string,
  })
})

test('texts are read whole or refused, and names cannot become options', async () => {
  const work = await makeWork(folder.path, 'texts', { 'tidegate.yaml': 'model: ä\n', '--help': 'me', 'dir/x': 'x' })
  await writeFile(join(work, 'latin1.txt'), Buffer.from([0xe4, 0x0a]))
  const commit = await commitFiles(work, {}, 'latin1')
  const repository = await publish(work, 'texts')

  expect(await readCommitText(repository, commit, 'tidegate.yaml')).toBe('model: ä\n')
  expect(await readCommitText(repository, commit, '--help')).toBe('me')
  expect(await readCommitText(repository, commit, 'none')).toBeUndefined()
  expect(await readCommitText(repository, commit, 'dir')).toBeUndefined()
  await expect(readCommitText(repository, commit, 'tidegate.yaml', 3)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  await expect(readCommitText(repository, commit, 'latin1.txt')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  const texts = await readCommitTexts(repository, await listCommitFiles(repository, commit))
  expect([...texts.keys()].sort()).toEqual(['--help', 'dir/x', 'tidegate.yaml'])
  expect(await defaultHead(repository, 'main')).toBe(commit)
  expect(await resolveRef(repository, commit.slice(0, 10))).toBe(commit)
  for (const name of ['none', '', '--all', '-h', 'main:dir', 'a\0b']) {
    expect(await resolveRef(repository, name)).toBeUndefined()
  }
})

test('what lies between two commits is told with everybody in it', async () => {
  const work = await makeWork(folder.path, 'history', { 'a.txt': '1' })
  const first = await git(work, 'rev-parse', 'HEAD')
  await commitFiles(work, { 'a.txt': '2' }, 'second\n\nbody\n\nCo-authored-by: Bo <bo@example.org>')
  const third = await commitFiles(work, { 'b.txt': '3' }, 'third ä')
  await git(work, 'checkout', '--quiet', '-b', 'feature', first)
  const feature = await commitFiles(work, { 'c.txt': '' }, 'feature')
  const repository = await publish(work, 'history')

  const between = await commitsBetween(repository, first, third)

  expect(between.map((commit) => commit.title)).toEqual(['third ä', 'second'])
  expect(between[1]).toMatchObject({
    authorName: 'Ana Author',
    authorEmail: 'ana@example.org',
    committerEmail: 'cem@example.org',
    emails: ['ana@example.org', 'cem@example.org', 'bo@example.org'],
  })
  expect((await commitsBetween(repository, undefined, third)).map((commit) => commit.id)).toContain(first)
  expect((await commitsBetween(repository, '0'.repeat(40), feature)).map((commit) => commit.id)).toEqual([feature])
  expect((await commitsBetween(repository, undefined, first)).map((commit) => commit.id)).toEqual([first])
  expect(await changedFiles(repository, first, third)).toEqual(['a.txt', 'b.txt'])
  expect(await changedFiles(repository, '0'.repeat(40), third)).toBeUndefined()
  await expect(readCommit(repository, '1'.repeat(40))).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('of a folder those commits are told that changed it, on whichever side of a merge', async () => {
  const work = await makeWork(folder.path, 'folders', { 'fraud/a.txt': '1', 'churn/a.txt': '1' })
  const first = await git(work, 'rev-parse', 'HEAD')
  await git(work, 'checkout', '--quiet', '-b', 'feature')
  await commitFiles(work, { 'fraud/a.txt': '2' }, 'fraud on a branch')
  await git(work, 'checkout', '--quiet', 'main')
  await commitFiles(work, { 'churn/a.txt': '2' }, 'churn')
  await git(work, 'merge', '--quiet', '--no-ff', '--message', 'merge', 'feature')
  await commitFiles(work, { 'fraud-2/a.txt': '3' }, 'begins alike')
  const last = await commitFiles(work, { 'churn/a.txt': '4' }, 'churn again')
  const repository = await publish(work, 'folders')
  const titles = async (below: string, from = first) =>
    (await commitsBetween(repository, from, last, below)).map(({ title }) => title)

  expect(await titles('fraud')).toEqual(['fraud on a branch'])
  expect(await titles('churn')).toEqual(['churn again', 'churn'])
  expect(await titles('')).toHaveLength(5)
  // Somebody must answer for it.
  expect(await titles('fraud', last)).toEqual(['churn again'])
})
