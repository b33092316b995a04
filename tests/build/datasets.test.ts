import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listSecrets, removeSecret, setSecret } from '../../src/api/access.ts'
import {
  approveDataset,
  findMissingContent,
  listDatasets,
  pushDataset,
  putContent,
  rejectDataset,
  showDataset,
} from '../../src/api/datasets.ts'
import { pushData } from '../../src/cli/remote/push-data.ts'
import { addProject } from '../../src/api/projects.ts'
import { collectGarbage } from '../../src/api/system.ts'
import { rerunRun, startRun, type RunDetail } from '../../src/api/runs.ts'
import { DEFAULT_DATASET_BYTES } from '../../src/core/dataset-settings.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { flipByte } from '../harness/flip-byte.ts'
import { openTestServer, projectAt, type TestPerson, type TestProject, type TestServer } from '../harness/server.ts'
import { git, makeWork } from '../source/git-place.ts'
import { EVALUATION, heldOut, model } from '../harness/tiny-project.ts'

let place: TestServer
let ana: TestPerson
let lake: string

beforeAll(async () => {
  lake = await mkdtemp(join(tmpdir(), 'tidegate-lake-'))
  place = await openTestServer('data-folder', {
    datasets: { files: [lake], maxBytes: DEFAULT_DATASET_BYTES, s3: { buckets: [] } },
  })
  ana = await place.person('ana')
})
afterAll(async () => {
  await place[Symbol.asyncDispose]()
  await rm(lake, { recursive: true, force: true })
})

async function start(project: TestProject, refreshData: boolean): Promise<RunDetail> {
  const { number } = await ana.client.call(startRun, { params: { project: project.name }, body: { refreshData } })
  return project.ended(number)
}

test('a push uses a dataset as it was frozen last, and --refresh-data freezes it anew', async () => {
  const file = join(lake, `raw.csv`)
  await writeFile(file, 'a\n1\n')
  const project = await place.project('moves', {
    'tidegate.yaml': `data: { data/raw.csv: { from: "file:${file}" } }
steps: { train: { run: cp data/raw.csv model.txt && cat model.txt, deps: [data/raw.csv], outs: [model.txt] } }
`,
  })
  await project.push(ana)
  await writeFile(file, 'a\n2\n3\n')
  await project.commit({ 'notes.txt': 'a typo' })
  await project.push(ana)
  const refreshed = await start(project, true)
  await project.commit({ 'notes.txt': 'another' })
  await project.push(ana)

  const runs = [await project.run(1), await project.run(2), refreshed, await project.run(4)]
  expect(runs.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded'])
  expect(runs.map((run) => stepOf(run, 'data:data/raw.csv').cache)).toEqual(['off', 'hit', 'off', 'hit'])
  expect(stepOf(runs[1]!, 'data:data/raw.csv').why).toBe('as moves#1 froze it; --refresh-data asks the source again')
  expect(runs.map((run) => stepOf(run, 'train').cache)).toEqual(['miss', 'hit', 'miss', 'hit'])
  expect(stepOf(runs[2]!, 'train').why).toBe('deps: data/raw.csv changed')
  expect(await project.log(3, 'train')).toContain('2\n3\n')
})

test('a rerun of an old run uses what that run used, and pushes use what was frozen last all the same', async () => {
  const file = join(lake, `set-back.csv`)
  await writeFile(file, 'one\n')
  const project = await place.project('setback', {
    'tidegate.yaml': `data: { data/raw.csv: { from: "file:${file}" } }
steps: { train: { run: cat data/raw.csv, deps: [data/raw.csv, train.txt] } }
`,
    'train.txt': '',
  })
  await project.push(ana)
  await writeFile(file, 'two\n')
  await start(project, true)
  const rerun = { from: 'train' }
  const again = await ana.client.call(rerunRun, { params: { project: 'setback', number: 1 }, body: rerun })
  await project.ended(again.number)
  for (const change of ['a typo', 'another']) {
    await project.commit({ 'train.txt': change })
    await project.push(ana)
  }
  const { datasets } = await ana.client.call(listDatasets, { params: { project: 'setback' } })

  expect(await project.log(3, 'train')).toBe('one\n')
  expect([await project.log(4, 'train'), await project.log(5, 'train')]).toEqual(['two\n', 'two\n'])
  for (const run of [await project.run(4), await project.run(5)])
    expect(stepOf(run, 'data:data/raw.csv').why).toBe('as setback#2 froze it; --refresh-data asks the source again')
  expect(datasets).toMatchObject([{ run: 'setback#2', pushedBy: null, digest: sha256('two\n') }])
})

test('what a branch froze from a source of its own does not become, or clean up, what the others use', async () => {
  const [ours, theirs] = [join(lake, 'ours.csv'), join(lake, 'theirs.csv')]
  await writeFile(ours, 'ours\n')
  await writeFile(theirs, 'theirs\n')
  const declared = (file: string) => ({
    'tidegate.yaml': `data: { d.csv: { from: "file:${file}" } }
steps: { train: { run: wc d.csv, deps: [d.csv] } }
`,
  })
  const project = await place.project('branched', declared(ours))
  await project.push(ana)
  await project.commit(declared(theirs))
  await project.push(ana, 'main:other')
  await ageStore()

  await place.admin.client.call(collectGarbage, { body: { dryRun: false } })
  await writeFile(ours, 'moved\n')
  await project.commit({ ...declared(ours), 'notes.txt': 'a typo' })
  await project.push(ana)

  expect(stepOf(await project.run(3), 'data:d.csv')).toMatchObject({
    cache: 'hit',
    why: 'as branched#1 froze it; --refresh-data asks the source again',
  })
})

/** So that garbage collection spares nothing for its youth. */
async function ageStore(): Promise<void> {
  const content = join(place.dataFolder, 'store/sha256')
  for (const path of await readdir(content, { recursive: true })) await utimes(join(content, path), 0, 0)
}

test('of a dataset that nobody owns each digest is told, and which of them pushes to the default branch use', async () => {
  const [ours, theirs] = [join(lake, 'shown.csv'), join(lake, 'shown-elsewhere.csv')]
  await writeFile(ours, 'a\n1\n')
  await writeFile(theirs, 'a\n')
  const declared = (file: string) => ({
    'tidegate.yaml': `data: { d.csv: { from: "file:${file}" } }
steps: { train: { run: wc d.csv, deps: [d.csv] } }
`,
  })
  const project = await place.project('shown', declared(ours))
  await project.push(ana)
  await writeFile(ours, 'a\n1\n2\n')
  await start(project, true)
  await project.commit(declared(theirs))
  await project.push(ana, 'main:other')

  const params = { project: 'shown' }
  const { versions } = await ana.client.call(showDataset, { params, query: { path: 'd.csv' } })
  const { datasets } = await ana.client.call(listDatasets, { params })

  expect(versions).toMatchObject([
    { state: 'frozen', run: 'shown#3', rows: 0, isUsed: false },
    { state: 'frozen', run: 'shown#2', rows: 2, isUsed: true },
    { state: 'frozen', run: 'shown#1', rows: 1, isUsed: false },
  ])
  expect(datasets).toMatchObject([{ digest: sha256('a\n1\n2\n'), run: 'shown#2' }])
})

test('of a pushed dataset the list shows what was pushed last, whatever runs have used', async () => {
  const project = await place.project('listed', {
    'tidegate.yaml': `data: { d.csv: { from: store } }
steps: { train: { run: cat d.csv, deps: [d.csv] } }
`,
  })
  const source = join(lake, 'listed.csv')
  const send = async (text: string) => {
    await writeFile(source, text)
    await pushData(ana.client, { project: 'listed', path: 'd.csv', source }, () => undefined)
  }
  await send('one\n')
  await project.push(ana)
  await send('two\n')
  const { datasets } = await ana.client.call(listDatasets, { params: { project: 'listed' } })

  expect((await project.run(1)).state).toBe('succeeded')
  expect(datasets).toMatchObject([{ run: null, pushedBy: 'ana', digest: sha256('two\n') }])
})

test('a query runs when it is asked or changed, with its secret, and not with every push', async () => {
  const project = await place.project('asks', {
    'tidegate.yaml': QUERY,
    'extract.sh': 'test -n "$WAREHOUSE" && date +%N > data/loans.csv\n',
    'train.txt': '',
  })
  await place.admin.client.call(setSecret, {
    params: { project: 'asks', name: 'WAREHOUSE' },
    body: { value: 'sesame-open-1' },
  })
  await project.push(ana)
  await project.commit({ 'train.txt': 'a change of code' })
  await project.push(ana)
  await project.commit({ 'extract.sh': 'echo other > data/loans.csv\n' })
  await project.push(ana)
  const refreshed = await start(project, true)

  const runs = [await project.run(1), await project.run(2), await project.run(3), refreshed]
  expect(runs.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded'])
  expect(runs.map((run) => stepOf(run, 'query:data/loans.csv').cache)).toEqual(['off', 'hit', 'off', 'off'])
  expect(runs.map((run) => stepOf(run, 'data:data/loans.csv').cache)).toEqual(['off', 'hit', 'off', 'off'])
  expect(await project.log(3, 'train')).toBe('other\n')
  // Asked again, it answered the same.
  expect(runs.map((run) => stepOf(run, 'train').cache)).toEqual(['miss', 'miss', 'miss', 'hit'])
})

test('what only the evaluation sees is there for no step, whatever the step declares or the commit holds', async () => {
  const file = join(lake, `holdout.csv`)
  await writeFile(file, heldOut(60))
  const project = await place.project('hidden', {
    'models/one.onnx': model('one'),
    'data/holdout.csv': 'left here by somebody\n',
    'tidegate.yaml': `data: { data/holdout.csv: { from: "file:${file}", only: [evaluation] } }
model: { path: model.onnx }
${EVALUATION.replace('rows.csv', 'data/holdout.csv')}gates: [{ metric: accuracy, min: 0.9 }]
steps:
  all: { run: "ls -R && ! test -e data/holdout.csv" }
  train: { run: ls -R && cp models/one.onnx model.onnx, deps: ["**"], outs: [model.onnx] }
`,
  })
  await project.push(ana)
  const first = await project.run(1)

  expect(first.state).toBe('succeeded')
  expect(await project.log(1, 'all')).not.toContain('holdout')
  expect(await project.log(1, 'train')).not.toContain('holdout')

  // On a branch somebody takes the guard away, and somebody else names the same file otherwise.
  const open = (await readFile(join(project.work, 'tidegate.yaml'), 'utf8')).replace(', only: [evaluation]', '')
  const peeking = `${open}  peek: { run: cat data/holdout.csv, deps: [data/holdout.csv] }\n`
  await project.commit({ 'tidegate.yaml': peeking })
  await project.push(ana, 'main:peek')
  await project.commit({
    'tidegate.yaml': peeking.replaceAll('data/holdout.csv', 'data/innocent.csv'),
  })
  await project.push(ana, 'main:rename')

  for (const run of [await project.run(2), await project.run(3)]) {
    expect(run.state).toBe('invalid')
    expect(run.problems.map(({ message }) => message).join()).toContain('is a dataset that only the evaluation sees')
  }
})

test('a source that cannot be read ends the run in words, and nothing of a secret is anywhere', async () => {
  const project = await place.project('gone', {
    'tidegate.yaml': `data: { data/raw.csv: { from: "https://127.0.0.1:9/raw.csv", secret: LAKE } }
steps: { train: { run: cat data/raw.csv, deps: [data/raw.csv] } }
`,
  })
  await place.admin.client.call(setSecret, {
    params: { project: 'gone', name: 'LAKE' },
    body: { value: 'swordfish-77' },
  })

  const pushed = await project.push(ana)

  expect(pushed.stderr).toContain('https://127.0.0.1:9/raw.csv cannot be reached')
  expect((await project.run(1)).state).toBe('failed')
  expect(await filesWith(place.dataFolder, 'swordfish-77')).toEqual([])
})

test('a folder is sent in parts, only what is not there yet, and steps read it', async () => {
  const project = await place.project('pushes', {
    'tidegate.yaml': `data: { data/images: { from: store } }
steps: { train: { run: cat data/images/a.txt && wc -c < data/images/deep/big.bin, deps: [data/images] } }
`,
  })
  const early = await project.push(ana)
  const folder = join(lake, 'images')
  await mkdir(join(folder, 'deep'), { recursive: true })
  await writeFile(join(folder, 'a.txt'), 'one\n')
  await writeFile(join(folder, 'deep/big.bin'), randomBytes(20 << 20))
  const push = async () => {
    const lines: string[] = []
    const version = await pushData(ana.client, { project: 'pushes', path: 'data/images', source: folder }, (line) =>
      lines.push(line),
    )
    return { version, lines }
  }

  const first = await push()
  await writeFile(join(folder, 'a.txt'), 'two\n')
  const second = await push()
  await project.commit({ 'notes.txt': 'x' })
  await project.push(ana)

  await mkdir(join(lake, 'nothing'))
  const empty = pushData(ana.client, { project: 'pushes', path: 'd', source: join(lake, 'nothing') }, () => undefined)

  await expect(empty).rejects.toThrow('holds no file: runs would have no data.')
  expect(early.stderr).toContain('Nothing was pushed to data/images yet')
  expect(first.version).toMatchObject({ state: 'pushed', isUsed: true, isDeclared: true })
  expect(first.lines).toContain('0 there already, sending 2 (20971524 bytes)')
  expect(second.lines).toContain('1 there already, sending 1 (4 bytes)')
  expect(await project.log(2, 'train')).toBe('two\n20971520\n')
  expect(stepOf(await project.run(2), 'data:data/images').why).toBe('as ana pushed it')
})

test('datasets that a disk damaged are read from their source again, or asked for by name', async () => {
  const file = join(lake, 'rows-of-lake.csv')
  await writeFile(file, 'from the lake\n')
  const pushed = join(lake, 'pushed-rows.csv')
  await writeFile(pushed, 'by hand\n')
  const pipeline = (show: string) => `data: { lake.csv: { from: "file:${file}" }, pushed.csv: { from: store } }
steps:
  one: { run: ${show} lake.csv, deps: [lake.csv] }
  two: { run: ${show} pushed.csv, deps: [pushed.csv] }
`
  const project = await place.project('rotten', { 'tidegate.yaml': pipeline('cat') })
  const push = () => pushData(ana.client, { project: 'rotten', path: 'pushed.csv', source: pushed }, () => undefined)
  await push()
  await project.push(ana)
  await using store = await openFolderStore(join(place.dataFolder, 'store'))
  for (const text of ['from the lake\n', 'by hand\n']) flipByte(store, sha256(text))
  await project.commit({ 'tidegate.yaml': pipeline('cat -A') })

  await project.push(ana)
  const asked = await start(project, false)
  await push()
  const healed = await start(project, false)
  await store.delete(sha256('by hand\n'))
  const gone = await start(project, false)

  const met = await project.run(2)
  expect(stepOf(met, 'one').message).toContain('lake.csv cannot be put into place')
  expect(stepOf(met, 'two')).toMatchObject({ state: 'failed', reason: 'damaged-input' })
  const again = 'Push it again: `tidegate data push rotten pushed.csv <file or folder>`.'
  expect(stepOf(met, 'two').message).toMatch(new RegExp(`It is set aside now, .* ${again}$`))
  expect(stepOf(asked, 'data:lake.csv')).toMatchObject({
    state: 'succeeded',
    why: 'made anew: its outputs were damaged on the disk',
  })
  expect(stepOf(asked, 'data:pushed.csv').message).toBe(
    `pushed.csv: ${sha256('by hand\n')} was damaged on the disk. ${again}`,
  )
  expect(healed.state).toBe('succeeded')
  expect(stepOf(gone, 'data:pushed.csv').message).toBe(
    `pushed.csv: ${sha256('by hand\n')} is gone from the store. ${again}`,
  )
})

test('a folder of a thousand files is mounted for a step, which cannot change it, and stays while it is used', async () => {
  const folder = join(lake, 'thousand')
  await mkdir(folder)
  await Promise.all(Array.from({ length: 1_000 }, (_, at) => writeFile(join(folder, `${at}.txt`), `${at}\n`)))
  const project = await place.project('mounted', {
    'tidegate.yaml': `data: { data/many: { from: "file:${folder}" } }
steps:
  read: { run: "ls data/many | wc -l; cat data/many/999.txt; echo x > data/many/0.txt", deps: [data/many] }
  extend: { run: "echo x > data/many/0.txt; ls data/many | wc -l", deps: [data/many], checkpoint: [data/many/state] }
`,
  })

  await project.push(ana)
  const shared = await readdir(join(place.dataFolder, 'folders'), { withFileTypes: true })
  const [inUse] = shared.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const left = join(place.dataFolder, 'folders', 'e'.repeat(64))
  await mkdir(left)
  for (const path of [left, join(place.dataFolder, 'folders', inUse ?? '')]) await utimes(path, 0, 0)
  const { rows } = await place.admin.client.call(collectGarbage, { body: { dryRun: false } })

  const run = await project.run(1)
  expect(stepOf(run, 'read')).toMatchObject({ state: 'failed', reason: 'exit' })
  expect(await project.log(1, 'read')).toMatch(
    /data\/many can only be read: mounted, and not copied\n1000\n999\n.*Read-only file system/,
  )
  expect(stepOf(run, 'extend').state).toBe('succeeded')
  expect(await project.log(1, 'extend')).toBe('1000\n')
  expect(rows).toContainEqual({
    what: `folders/${'e'.repeat(64)}`,
    why: 'no step has read this folder for a day',
    bytes: 0,
    removed: true,
  })
  expect((await readdir(join(place.dataFolder, 'folders'))).filter((name) => name.length === 64)).toEqual([inUse])
})

test('content of another project is not to be had by its digest', async () => {
  await place.project('thief', { 'tidegate.yaml': 'steps: { train: { run: "true" } }\n' })
  await writeFile(join(lake, 'private.csv'), 'a\n1\n')
  await place.project('owner', { 'tidegate.yaml': 'steps: { train: { run: "true" } }\n' })
  const { digest } = await pushData(
    ana.client,
    { project: 'owner', path: 'd.csv', source: join(lake, 'private.csv') },
    () => undefined,
  )
  const params = { project: 'thief' }

  const missing = await ana.client.call(findMissingContent, { params, body: { digests: [digest] } })
  const taken = ana.client.call(pushDataset, { params, body: { path: 'd.csv', kind: 'file', digest } })
  const forged = ana.client.call(putContent, { params: { ...params, digest }, content: Buffer.from('something else') })

  expect(missing).toEqual({ missing: [digest] })
  await expect(taken).rejects.toThrow('1 contents of this dataset were not sent yet')
  await expect(forged).rejects.toThrow(`What came is not ${digest}`)
})

test('a new digest of a dataset with owners waits for the yes of one of them, and runs say what they use', async () => {
  const owner = await place.person('olga')
  const file = join(lake, 'owned.csv')
  await writeFile(file, 'a\n1\n')
  const project = await place.project('owned', {
    'tidegate.yaml': `data: { data/raw.csv: { from: "file:${file}", owners: [olga] } }
steps: { train: { run: cat data/raw.csv, deps: [data/raw.csv] } }
`,
  })
  const params = { project: 'owned' }
  const approve = (person: TestPerson) =>
    person.client.call(approveDataset, { params, body: { path: 'data/raw.csv', reason: 'looked at it' } })

  const refused = await project.push(ana)
  await expect(approve(ana)).rejects.toThrow('Only olga may decide about data/raw.csv; ana is not one of them')
  const yes = await approve(owner)
  const second = await start(project, false)
  await writeFile(file, 'a\n1\n2\n')
  const third = await start(project, true)
  await project.commit({
    'tidegate.yaml': (await readFile(join(project.work, 'tidegate.yaml'), 'utf8')).replace(', owners: [olga]', ''),
  })
  await project.push(ana, 'main:loosened')
  const { versions } = await owner.client.call(showDataset, { params, query: { path: 'data/raw.csv' } })

  expect(refused.stderr).toContain('is new, and waits for the yes of olga')
  expect((await project.run(1)).state).toBe('failed')
  expect(yes).toMatchObject({ state: 'approved', isUsed: true, decidedBy: 'olga', reason: 'looked at it', rows: 1 })
  expect(await project.log(2, 'train')).toBe('a\n1\n')
  expect([second.state, third.state]).toEqual(['succeeded', 'succeeded'])
  expect(await project.log(3, 'train').catch(() => '')).not.toContain('2')
  expect(await project.log(3, 'data:data/raw.csv')).toContain('This run uses the last that was approved')
  expect(stepOf(await project.run(4), 'data:data/raw.csv').why).toContain('as olga approved it')
  expect(versions.map(({ state, rows, isUsed }) => ({ state, rows, isUsed }))).toEqual([
    { state: 'pending', rows: 2, isUsed: false },
    { state: 'approved', rows: 1, isUsed: true },
  ])
})

test('a digest that was rejected is not said to wait when a run meets it again', async () => {
  const owner = await place.person('olaf')
  const file = join(lake, 'refused.csv')
  await writeFile(file, 'a\n1\n')
  const project = await place.project('refused', {
    'tidegate.yaml': `data: { raw.csv: { from: "file:${file}", owners: [olaf] } }
steps: { train: { run: cat raw.csv, deps: [raw.csv] } }
`,
  })
  await project.push(ana)
  const body = { path: 'raw.csv', reason: 'half of it is missing' }
  await owner.client.call(rejectDataset, { params: { project: 'refused' }, body })

  const again = await start(project, true)

  const message = stepOf(again, 'data:raw.csv').message
  expect(message).toContain(`was rejected, and olaf may still say yes: \`tidegate data approve --digest sha256:`)
  expect(message).not.toContain('waits')
})

test('a file with problems, or none, on the default branch takes away no owner and opens no held-out rows', async () => {
  await place.person('olga')
  const pipeline = `data: { data/h.csv: { from: store, only: [evaluation], owners: [olga] } }
steps: { train: { run: ls } }
`
  const project = await place.project('broken', { 'tidegate.yaml': pipeline })
  await project.push(ana)
  const source = join(lake, 'pushed.csv')
  const send = async (text: string) => {
    await writeFile(source, text)
    return pushData(ana.client, { project: 'broken', path: 'data/h.csv', source }, () => undefined)
  }

  await project.commit({ 'tidegate.yaml': pipeline.replace('steps:', 'stepps:') })
  await project.push(ana)
  const whileBroken = await send('a\n1\n')
  await git(project.work, 'rm', '--quiet', 'tidegate.yaml')
  await project.commit({ 'readme.md': 'no pipeline file\n' })
  await project.push(ana)
  const whileGone = await send('a\n2\n')
  await project.commit({
    'tidegate.yaml':
      'data: { data/h.csv: { from: store } }\nsteps: { peek: { run: cat data/h.csv, deps: [data/h.csv] } }\n',
  })
  await project.push(ana)

  for (const { state, owners } of [whileBroken, whileGone])
    expect({ state, owners }).toEqual({ state: 'pending', owners: ['olga'] })
  const last = await project.run(4)
  expect(last.state).toBe('invalid')
  expect(last.problems.map(({ message }) => message).join()).toContain('is a dataset that only the evaluation sees')
})

test('in a repository of several projects, only a change below its own folder starts a run', async () => {
  await place.admin.client.call(addProject, { body: { name: 'churn', path: 'services/churn' } })
  const { address } = place.server
  const files = {
    'services/churn/tidegate.yaml': 'steps: { train: { run: ls, deps: [train.txt] } }\n',
    'services/churn/train.txt': '',
    'README.md': '',
  }
  const project = projectAt({ address, admin: place.admin, name: 'churn', work: await makeWork(lake, 'mono', files) })
  await project.push(ana)
  await project.commit({ 'README.md': 'about all of it', 'services/churned.txt': 'beside it' })
  await project.push(ana)
  await project.commit({ 'services/churn/train.txt': 'changed' })
  await project.push(ana)
  await project.commit({ 'services/churn/tidegate.yaml': 'steps: { train: { run: ls, deps: [../other.txt] } }\n' })
  await project.push(ana)

  const runs = await project.runs()
  expect(runs.map(({ number, state }) => [number, state])).toEqual([
    [3, 'invalid'],
    [2, 'succeeded'],
    [1, 'succeeded'],
  ])
  expect(await project.log(1, 'train')).toBe('train.txt\n')
  const [problem] = (await project.run(3)).problems
  expect(problem).toMatchObject({
    file: 'services/churn/tidegate.yaml',
    line: 1,
    message: expect.stringContaining('cannot contain ..') as string,
  })
})

test('secrets are listed by their names, and one that is removed is gone for the next step', async () => {
  const project = await place.project('sealed', {
    'tidegate.yaml': 'steps: { use: { run: "test $KEY = sesame-1", secrets: [KEY] } }\n',
  })
  const params = { project: 'sealed' }
  await place.admin.client.call(setSecret, { params: { ...params, name: 'KEY' }, body: { value: 'sesame-1' } })
  await project.push(ana)
  const listed = await ana.client.call(listSecrets, { params })
  await expect(ana.client.call(removeSecret, { params: { ...params, name: 'KEY' } })).rejects.toThrow('maintainer')
  await place.admin.client.call(removeSecret, { params: { ...params, name: 'KEY' } })
  const after = await start(project, false)

  expect((await project.run(1)).state).toBe('succeeded')
  expect(listed).toEqual({ secrets: [{ name: 'KEY', updatedAt: expect.any(Number) as number, updatedBy: 'admin' }] })
  expect(after.state).toBe('failed')
  expect(stepOf(after, 'use').message).toContain('has no secret KEY')
})

const QUERY = `data:
  data/loans.csv: { run: mkdir -p data && sh extract.sh, deps: [extract.sh], secrets: [WAREHOUSE] }
steps:
  train: { run: cat data/loans.csv, deps: [data/loans.csv, train.txt] }
`

function stepOf(run: RunDetail, name: string): RunDetail['steps'][number] {
  const step = run.steps.find((each) => each.key === name)
  if (step === undefined) throw new Error(`${run.id} has no step ${name}`)
  return step
}

async function filesWith(folder: string, text: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    // It may be gone by now.
    const bytes = await readFile(path).catch(() => Buffer.alloc(0))
    if (bytes.includes(text)) found.push(path)
  }
  return found
}
