import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changedByUpdate, isChangedBelow } from '../../src/source/changed-by-update.ts'
import { ensureRepository } from '../../src/source/repositories.ts'
import { commitFiles, git, makeWork, temporaryFolder } from './git-place.ts'

const NONE = '0'.repeat(40)

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let repository: string
let work: string
/** By name, in the order of history: `left` is where the branches begin. */
const commits: Record<string, string> = {}

beforeAll(async () => {
  folder = await temporaryFolder()
  repository = await ensureRepository(join(folder.path, 'data'), { repository: 'shop' }, 'main')
  work = await makeWork(folder.path, 'work', { 'fraud/train.py': '1', 'churn/train.py': '1' })
  commits['first'] = await git(work, 'rev-parse', 'HEAD')
  commits['left'] = await commitFiles(work, { 'churn/train.py': '2' }, 'churn')
  await git(work, 'branch', 'merged')
  await git(work, 'checkout', '--quiet', '-b', 'feature')
  await commitFiles(work, { 'fraud/train.py': '2' }, 'fraud')
  commits['feature'] = await commitFiles(work, { 'readme.md': '2' }, 'readme')
  await git(work, 'checkout', '--quiet', 'main')
  commits['main'] = await commitFiles(work, { 'churn/more.py': '3' }, 'churn again')
  await git(work, 'checkout', '--quiet', '--orphan', 'elsewhere')
  commits['elsewhere'] = await commitFiles(work, { 'other.py': '' }, 'unrelated')
  await git(work, 'push', '--quiet', repository, 'main', 'merged', 'feature', 'elsewhere')
})
afterAll(() => folder[Symbol.asyncDispose]())

function changed(ref: string, from: string | undefined, to: string | undefined, defaultBranch = 'main') {
  const commit = (name: string | undefined) => (name === undefined ? NONE : commits[name]!)
  return changedByUpdate({ repository, defaultBranch }, { ref, oldCommit: commit(from), newCommit: commit(to) })
}

test('a branch that moved changes what differs between its commits, also when it moved back', async () => {
  expect(await changed('refs/heads/main', 'first', 'main')).toEqual(['churn/more.py', 'churn/train.py'])
  expect(await changed('refs/heads/main', 'main', 'left')).toEqual(['churn/more.py'])
})

test('a branch that is new, or goes, is compared with where it left the default branch', async () => {
  expect(await changed('refs/heads/feature', undefined, 'feature')).toEqual(['fraud/train.py', 'readme.md'])
  expect(await changed('refs/heads/feature', 'feature', undefined)).toEqual(['fraud/train.py', 'readme.md'])
})

test('what a new branch without a commit of its own stands for is not known, and its going changes nothing', async () => {
  expect(await changed('refs/heads/merged', undefined, 'left')).toBeUndefined()
  expect(await changed('refs/heads/merged', 'left', undefined)).toEqual([])
})

test('the default branch that comes or goes, a tag, and a history of its own may stand for anything', async () => {
  expect(await changed('refs/heads/main', undefined, 'main')).toBeUndefined()
  expect(await changed('refs/heads/main', 'main', undefined)).toBeUndefined()
  expect(await changed('refs/tags/v1', 'first', 'main')).toBeUndefined()
  expect(await changed('refs/heads/elsewhere', undefined, 'elsewhere')).toBeUndefined()
  expect(await changed('refs/heads/feature', undefined, 'feature', 'not-there')).toBeUndefined()
})

test('a folder is changed by what is below it, and not by a name that begins alike', () => {
  expect(isChangedBelow(['models/fraud/train.py'], 'models/fraud')).toBe(true)
  expect(isChangedBelow(['models/fraud-2/train.py', 'models/fraud'], 'models/fraud')).toBe(false)
  expect(isChangedBelow(['readme.md'], '')).toBe(true)
  expect(isChangedBelow(undefined, 'models/fraud')).toBe(true)
  expect(isChangedBelow([], 'models/fraud')).toBe(false)
})
