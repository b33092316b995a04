import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { getDatasetContent } from '../../src/api/datasets.ts'
import { askDataset } from '../../src/cli/local/ask-dataset.ts'
import { showRun } from '../../src/cli/local/show-run.ts'
import { readWorkingTree } from '../../src/cli/local/working-tree.ts'
import { pushData } from '../../src/cli/remote/push-data.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { runLocally, type LocalRunResult } from '../../src/local.ts'
import { openTestServer, type TestPerson, type TestProject, type TestServer } from '../harness/server.ts'
import { git } from '../source/git-place.ts'

const PIPELINE = `data:
  data/rows.csv: { from: store }
  data/images: { from: store }
  data/holdout.csv: { from: store, only: [evaluation] }
steps:
  train: { run: "cat data/rows.csv data/images/deep/a.txt > seen.txt", deps: [data/rows.csv, data/images], outs: [seen.txt] }
  fit: { run: cp seen.txt model.onnx, deps: [seen.txt], outs: [model.onnx] }
model: { path: model.onnx }
evaluation: { data: data/holdout.csv, task: classification, label: y }
environments: { production: { approval: { reviewers: [lead] } } }
`

let place: TestServer
let ana: TestPerson
let maintainer: TestPerson
let project: TestProject
let lake: string

beforeAll(async () => {
  place = await openTestServer('sqlite')
  ana = await place.person('ana')
  maintainer = await place.person('mia', 'maintainer')
  await place.person('lead', 'approver')
  project = await place.project('shop', { 'tidegate.yaml': PIPELINE })
  await project.push(ana)
  await git(project.work, 'remote', 'add', 'origin', project.url(ana))
  lake = join(place.folder, 'lake')
  await mkdir(join(lake, 'images/deep'), { recursive: true })
  await writeFile(join(lake, 'rows.csv'), 'a,y\n1,0\n')
  await writeFile(join(lake, 'holdout.csv'), 'a,y\n9,1\n')
  await writeFile(join(lake, 'images/deep/a.txt'), 'one\n')
  await writeFile(join(lake, 'images/large.bin'), Buffer.alloc(3_000_000, 'x'))
  for (const name of ['rows.csv', 'images']) await push(name)
  await push('holdout.csv', maintainer)
})
afterAll(() => place[Symbol.asyncDispose]())

function push(name: string, by = ana) {
  return pushData(by.client, { project: 'shop', path: `data/${name}`, source: join(lake, name) }, () => undefined)
}

let dataFolder: string
let count = 0
/** What the last run printed. */
let shown = ''
beforeEach(() => {
  dataFolder = join(place.folder, `local-${count++}`)
})

/** As `tidegate run` in a clone, logged in or not. */
async function run(token: string | undefined, steps: readonly string[], named?: string): Promise<LocalRunResult> {
  shown = ''
  vi.stubEnv('TIDEGATE_CONFIG', join(place.folder, 'nowhere'))
  vi.stubEnv('TIDEGATE_SERVER', place.server.address)
  vi.stubEnv('TIDEGATE_TOKEN', token)
  try {
    const dataset = askDataset(project.work, named, {})
    const tree = await readWorkingTree(project.work)
    const request = { tree, dataFolder, steps, refreshData: false, dataset, environment: process.env }
    const watch = showRun({ write: (text) => (shown += text) })
    return await runLocally({ ...request, watch }, new AbortController().signal)
  } finally {
    vi.unstubAllEnvs()
  }
}

function stepOf({ steps }: LocalRunResult, key: string) {
  return steps.find((step) => step.key === key)
}

test('a local run reads what was pushed to the server, as it is there now', async () => {
  const first = await run(ana.token, ['train'])
  const shownFirst = shown
  await writeFile(join(lake, 'rows.csv'), 'a,y\n2,0\n')
  await push('rows.csv')
  const second = await run(ana.token, ['train'])
  const third = await run(ana.token, ['train'])

  await using store = await openFolderStore(join(dataFolder, 'store'))
  expect([first.state, second.state, third.state]).toEqual(['succeeded', 'succeeded', 'succeeded'])
  expect(stepOf(first, 'data:data/images')?.why).toBe(`as runs of shop on ${place.server.address} use it`)
  expect(String(await readFile(store.localPath(sha256('a,y\n2,0\none\n'))))).toBe('a,y\n2,0\none\n')
  expect(stepOf(third, 'train')?.cache).toBe('hit')
  expect(shownFirst).toContain('  data/images: 2.9 MiB received\n')
  expect(shown).not.toContain('received')
  expect(await store.has(sha256(Buffer.alloc(3_000_000, 'x')))).toBe(3_000_000)
})

test('held-out rows come to maintainers, and to no developer, whose other steps run all the same', async () => {
  const wanted = { params: { project: 'shop' }, body: { path: 'data/holdout.csv', digests: [sha256('a,y\n9,1\n')] } }

  const refused = await run(ana.token, [])

  await expect(ana.client.fetch(getDatasetContent, wanted)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  expect(stepOf(refused, 'data:data/holdout.csv')).toMatchObject({ state: 'failed' })
  expect((await run(ana.token, ['train'])).state).toBe('succeeded')
  expect(stepOf(refused, 'data:data/holdout.csv')?.message).toContain('data/holdout.csv is for the evaluation only')
  await using store = await openFolderStore(join(dataFolder, 'store'))
  expect(await store.has(sha256('a,y\n9,1\n'))).toBeUndefined()
  expect(await (await maintainer.client.fetch(getDatasetContent, wanted)).text()).toContain('a,y\n9,1\n')
})

test.each([
  ['who is not logged in', undefined, undefined, 'log in with `tidegate login`'],
  ['a project nobody pushed to', 'ana', 'elsewhere', 'There is no project "elsewhere"'],
] as const)('%s is told so by the step that needs it', async (_, person, named, why) => {
  const { steps, state } = await run(person === undefined ? undefined : ana.token, ['train'], named)

  expect(state).toBe('failed')
  const { message } = steps.find(({ key }) => key === 'data:data/rows.csv') ?? {}
  expect(message).toContain('data/rows.csv is what was pushed to a server (`from: store`), and ')
  expect(message).toContain(why)
})

test('only what is the dataset now is to be had, and nothing else of the store', async () => {
  const viewer = await place.person('vera', 'viewer')
  const ask = (person: TestPerson, path: string, text: string) =>
    person.client.fetch(getDatasetContent, { params: { project: 'shop' }, body: { path, digests: [sha256(text)] } })

  await expect(ask(viewer, 'data/images', 'one\n')).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await expect(ask(ana, 'data/images', 'a,y\n9,1\n')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(ask(ana, 'data/other', 'one\n')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await (await ask(ana, 'data/images', 'one\n')).text()).toBe(`${sha256('one\n')} 4\none\n`)
})

test('where the default branch cannot be read, rows that may be held out come to who pushed them alone', async () => {
  const bo = await place.person('bo')
  const ask = (person: TestPerson) => {
    const body = { path: 'data/images', digests: [sha256('one\n')] }
    return person.client.fetch(getDatasetContent, { params: { project: 'shop' }, body })
  }
  expect((await ask(bo)).status).toBe(200)
  await project.commit({ 'tidegate.yaml': PIPELINE.replace('steps:', 'stepps:') })
  await project.push(ana)

  await expect(ask(bo)).rejects.toThrow('is not declared on the default branch as it is now')
  expect((await ask(ana)).status).toBe(200)
})
