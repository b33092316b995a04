import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runLocally, type LocalRunResult } from '../../src/local.ts'
import { askChampion } from '../../src/cli/local/ask-champion.ts'
import { showRun } from '../../src/cli/local/show-run.ts'
import { readWorkingTree } from '../../src/cli/local/working-tree.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'
import { git } from '../source/git-place.ts'
import { EVALUATION, heldOut, model, tinyProject } from '../harness/tiny-project.ts'
import { tellStory, type Story } from '../stages/delivery-story.ts'

const PIPELINE = `model: { path: model.onnx }
${EVALUATION}gates: [{ metric: accuracy, against: champion, margin: 0.02 }]
environments: { production: { approval: { reviewers: [lead] } } }
steps:
  train: { run: cp models/candidate.onnx model.onnx, deps: [models/candidate.onnx], outs: [model.onnx] }
`

let place: TestServer
let ana: TestPerson
let lead: TestPerson
let story: Story

beforeAll(async () => {
  place = await openTestServer('sqlite')
  ana = await place.person('ana', 'maintainer')
  lead = await place.person('lead', 'approver')
  const files = { 'models/candidate.onnx': model('one'), 'rows.csv': heldOut(60, 3) }
  story = await tellStory(place, 'shop', tinyProject({ pipeline: PIPELINE, files }))
  await story.push(ana)
  await story.approve(lead, await story.reaches(1, 'production', 'awaiting-approval'))
  await story.reaches(1, 'production', 'live')
  await git(story.project.work, 'remote', 'add', 'origin', story.project.url(ana))
})
afterAll(() => place[Symbol.asyncDispose]())

/** As `tidegate run` in ana's clone, logged in or not. */
async function run(
  named: string | false | undefined,
  token: string | undefined,
  { project: { work } }: Story = story,
): Promise<LocalRunResult & { gates: string[] }> {
  const shown = showRun(undefined)
  vi.stubEnv('TIDEGATE_CONFIG', join(place.folder, 'nowhere'))
  vi.stubEnv('TIDEGATE_SERVER', place.server.address)
  vi.stubEnv('TIDEGATE_TOKEN', token)
  try {
    const result = await runLocally(
      {
        tree: await readWorkingTree(work),
        dataFolder: `${work}-local`,
        steps: [],
        refreshData: false,
        champion: askChampion(work, named, {}),
        environment: process.env,
        watch: shown,
      },
      new AbortController().signal,
    )
    return { ...result, gates: shown.gates.map(({ outcome, summary }) => `${outcome}: ${summary}`) }
  } finally {
    vi.unstubAllEnvs()
  }
}

test('a local run compares with the champion of the server its remote leads to, in a host of its own', async () => {
  await writeFile(join(story.project.work, 'models/candidate.onnx'), model('two'))

  const worse = await run(undefined, ana.token)
  const numbered = await run('shop@1', ana.token)

  expect(worse.state).toBe('failed')
  expect(worse.gates[0]).toMatch(/^fail: accuracy 0\.05\d* against the champion's 0\.950: worse by 0\.900 /)
  expect(numbered.gates).toEqual(worse.gates)
  expect((await readdir(join(`${story.project.work}-local`, 'store'))).length).toBeGreaterThan(0)
})

const ANSWERED = `model: { path: model.onnx }
evaluation:
  predictions: answers.csv
  task: classification
  label: y
  id: image
  metrics: { dice: { column: overlap, better: higher } }
gates: [{ metric: dice, against: champion, margin: 0.02, confidence: 0.95 }]
environments: { production: { approval: { reviewers: [lead] } } }
steps:
  train: { run: cp models/candidate.onnx model.onnx, deps: [models/candidate.onnx], outs: [model.onnx] }
  answer: { run: cp written.csv answers.csv, deps: [written.csv], outs: [answers.csv] }
`

/** What the author's code writes: overlaps around `mean`. */
function written(mean: number): string {
  const lines = Array.from({ length: 200 }, (_, i) => `img${i},${i % 2},${i % 2},${mean + 0.001 * ((i * 37) % 100)}`)
  return ['image,y,prediction,overlap', ...lines, ''].join('\n')
}

test("a metric of one's own is compared with what the champion's run kept, on the server and in a local run", async () => {
  const files = { 'models/candidate.onnx': model('one'), 'written.csv': written(0.7), 'tidegate.yaml': ANSWERED }
  const own = await tellStory(place, 'overlap', files)
  await own.push(ana)
  expect((await own.project.run(1)).gates).toMatchObject([{ outcome: 'not-applicable' }])
  await own.approve(lead, await own.reaches(1, 'production', 'awaiting-approval'))
  await own.reaches(1, 'production', 'live')
  const { work } = own.project
  await git(work, 'remote', 'add', 'origin', own.project.url(ana))
  const changed = { 'models/candidate.onnx': model('two'), 'written.csv': written(0.6) }

  await own.project.commit(changed)
  await own.project.push(ana)
  const worse = await own.project.run(2)
  const local = await run(undefined, ana.token, own)
  await own.push(ana, { 'written.csv': written(0.7) })

  const verdict =
    /^dice 0\.6\d+ against the champion's 0\.7\d+: worse by 0\.100 \(95 % interval .* worse\), margin 0\.02$/
  expect(worse).toMatchObject({
    state: 'failed',
    version: null,
    gates: [{ title: 'dice-vs-champion', outcome: 'fail' }],
  })
  expect(worse.gates[0]!.summary).toMatch(verdict)
  expect(local.gates).toEqual([`fail: ${worse.gates[0]!.summary}`])
  expect(await own.project.run(3)).toMatchObject({ state: 'succeeded', version: 2, gates: [{ outcome: 'pass' }] })
})

test.each([
  [false, 'no server was asked: --no-champion'],
  ['elsewhere', 'There is no project "elsewhere"'],
  ['shop@7', 'shop has no version 7'],
] as const)('with %s there is none to compare with, and the gate says why', async (named, why) => {
  const { gates } = await run(named, ana.token)

  expect(gates[0]).toMatch(/^not-applicable: /)
  expect(gates[0]).toContain(why)
})

test('who is not logged in is told so by the gate', async () => {
  const { gates, state } = await run(undefined, undefined)

  expect(gates).toEqual(['not-applicable: no server was asked for the champion: log in with `tidegate login`'])
  expect(state).toBe('succeeded')
})

test('content of a version is given to developers, and nothing else of the store', async () => {
  const viewer = await place.person('vera', 'viewer')
  const ask = async (person: TestPerson, digest: string) =>
    (
      await fetch(`${place.server.address}/api/v1/projects/shop/versions/1/content/${encodeURIComponent(digest)}`, {
        headers: { authorization: `Bearer ${person.token}` },
      })
    ).status
  const { champion } = (await (
    await fetch(`${place.server.address}/api/v1/projects/shop/champion?environment=production`, {
      headers: { authorization: `Bearer ${viewer.token}` },
    })
  ).json()) as { champion: { version: number; manifest: { files: { digest: string } } } }

  expect(champion.version).toBe(1)
  expect(await ask(ana, champion.manifest.files.digest)).toBe(200)
  expect(await ask(viewer, champion.manifest.files.digest)).toBe(403)
  expect(await ask(ana, `sha256:${'0'.repeat(64)}`)).toBe(404)
  expect(await ask(ana, 'sha256:../../state.db')).toBe(400)
})
