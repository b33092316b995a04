import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listEnvironments } from '../../src/api/projects.ts'
import { cancelRun, getReport, waiveGate, type RunDetail } from '../../src/api/runs.ts'
import { DATABASES } from '../harness/databases.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'
import { EVALUATION, heldOut, model, tinyProject } from '../harness/tiny-project.ts'
import { commitFiles, git, runClient, type Files, type GitOutcome } from '../source/git-place.ts'
import { tellStory, until, type Story } from './delivery-story.ts'

const GATES = 'gates: [{ metric: accuracy, against: champion, margin: 0.02 }]\n'

function pipeline(gates: string): string {
  return `model: { path: model.onnx }
${EVALUATION}${gates}environments: { production: { approval: { reviewers: [lead] } } }
steps:
  train: { run: cp models/candidate.onnx model.onnx, deps: [models/candidate.onnx], outs: [model.onnx] }
`
}

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer
  let ana: TestPerson
  let lead: TestPerson
  let max: TestPerson
  let story: Story

  beforeAll(async () => {
    place = await openTestServer(kind)
    ana = await place.person('ana', 'maintainer')
    lead = await place.person('lead', 'approver')
    max = await place.person('max', 'maintainer')
    // The champion is the model `one`, which is wrong about 3 of the 60 rows.
    const files = { 'models/candidate.onnx': model('one'), 'rows.csv': heldOut(60, 3) }
    story = await tellStory(place, 'shop', tinyProject({ pipeline: pipeline(GATES), files }), 'FP32')
    await story.push(ana)
    await story.approve(lead, await story.reaches(1, 'production', 'awaiting-approval'))
    await story.reaches(1, 'production', 'live')
  })

  afterAll(() => place[Symbol.asyncDispose]())

  async function expectChampion(): Promise<void> {
    expect(await story.infer('production', [[0, 0, 3, 3]])).toMatchObject({ status: 200, version: '1' })
    const { environments } = await place.admin.client.call(listEnvironments, { params: { project: 'shop' } })
    expect(environments).toMatchObject([
      { champion: 1, challenger: null, arms: [{ arm: 'champion', host: 'ready', errors: 0 }] },
    ])
  }

  /** Pushes a commit of its own to a branch of its own, beside `main`. */
  async function pushBranch(branch: string, files: Files, ...options: string[]): Promise<GitOutcome> {
    const { work } = story.project
    // A clone and not a worktree: two pushes may begin together, and worktrees share their bookkeeping.
    const clone = `${work}-${branch}`
    await git(work, 'clone', '--quiet', '--branch', 'main', work, clone)
    await git(clone, 'checkout', '--quiet', '-b', branch)
    await commitFiles(clone, files, branch)
    return runClient(clone, ['push', ...options, story.project.url(ana), branch])
  }

  async function runOf(branch: string): Promise<RunDetail> {
    const run = (await story.project.runs()).find((each) => each.branch === branch)
    if (run === undefined) throw new Error(`nothing has run on ${branch}`)
    return story.project.run(run.number)
  }

  // The gateway's and the model hosts' answers; nothing of them is the database's.
  if (kind === 'sqlite') {
    test('a step asks the candidate behind the real gateway with a token of its own, and it is gone afterwards', async () => {
      const project = await place.project(
        'contract',
        tinyProject({
          pipeline: CONTRACT,
          files: { 'ask.py': ASK },
        }),
      )

      await project.push(ana)

      const run = await project.run(1)
      const [url = '', ...answers] = (await project.log(1, 'contract')).trim().split('\n')
      expect(run.state).toBe('succeeded')
      expect(answers).toEqual(['without: 401', 'wrong: 401', 'with: [1, 0]'])
      expect(url).toMatch(
        new RegExp(`^${place.server.gatewayAddress}/contract/candidate-[0-9a-f]+/v2/models/contract$`),
      )
      await until('the endpoint to be gone', async () => {
        const { status } = await fetch(`${url}/infer`, { method: 'POST', body: '{}' })
        return { found: status === 404 ? status : undefined, seen: status }
      })
      expect(await readdir(join(place.dataFolder, 'gateway', 'private'))).toEqual([])
    })

    test('a latency gate of the default branch is measured on an endpoint of the candidate, and it is gone afterwards', async () => {
      const gated = (gates: string) => `model: { path: model.onnx }
${EVALUATION}${gates}steps:
  train: { run: cp models/one.onnx model.onnx, deps: [models/one.onnx], outs: [model.onnx] }
`
      const files = tinyProject({ pipeline: gated('gates: [{ metric: latency-p95, max: 20s }]\n') })
      const project = await place.project('quick', files)
      await project.push(ana)
      await git(project.work, 'checkout', '--quiet', '-b', 'no-gates')
      await commitFiles(project.work, { 'tidegate.yaml': gated(''), 'rows.csv': heldOut(62) }, 'no gates')
      await runClient(project.work, ['push', project.url(ana), 'no-gates'])

      for (const number of [1, 2]) {
        const run = await project.run(number)
        expect(run).toMatchObject({ state: 'succeeded', gates: [{ title: 'latency-p95', outcome: 'pass' }] })
        expect(run.gates[0]?.summary).toMatch(
          /^latency p95 [\d.]+ ms at the candidate's own endpoint behind the gateway, over \d+ requests of one row each, \d+ a second after 10 to warm up, at most 20000 ms wanted$/,
        )
        expect(run.gates[0]?.evidence).toMatchObject({ measured: 'endpoint behind the gateway' })
      }
      await until('the endpoints to be gone', async () => {
        const left = await readdir(join(place.dataFolder, 'gateway', 'private'))
        return { found: left.length === 0 ? left : undefined, seen: left }
      })
    })

    test('models that do not load, hang or eat memory, and rows without the label, fail their runs and not the champion', async () => {
      const noLabel = { 'rows.csv': heldOut(60).replace('a,b,c,d,y', 'a,b,c,d,z') }

      const pushed = Promise.all([
        pushBranch('not-a-model', { 'models/candidate.onnx': model('not-a-model') }),
        pushBranch('eats-memory', { 'models/candidate.onnx': model('eats-memory-in-load') }),
        pushBranch('no-label', noLabel),
      ])
      await pushBranch('hangs', { 'models/candidate.onnx': model('hangs-in-load') }, '--push-option=detach')
      const { number } = await until('the hanging model to be loading', async () => {
        const run = await runOf('hangs')
        const isLoading = run.steps.some(({ key, state }) => key === 'bundle' && state === 'running')
        return { found: isLoading ? run : undefined, seen: run.steps }
      })
      await expectChampion()
      await ana.client.call(cancelRun, { params: { project: 'shop', number }, body: {} })
      const cancelled = await story.project.ended(number)
      await pushed

      const failure = async (branch: string) => (await runOf(branch)).steps.find(({ state }) => state === 'failed')
      expect(await failure('not-a-model')).toMatchObject({
        key: 'bundle',
        message: expect.stringContaining('model.onnx does not load as an ONNX model'),
      })
      expect(await failure('eats-memory')).toMatchObject({
        key: 'bundle',
        message: expect.stringMatching(/used \d+ MiB of memory; its limit is 2048 MiB/),
      })
      expect(await failure('no-label')).toMatchObject({
        key: 'evaluation',
        message: 'rows.csv has no column "y" (evaluation.label). Its columns are a, b, c, d, z.',
      })
      expect(cancelled).toMatchObject({ state: 'cancelled', reason: 'cancelled by ana' })
      await expectChampion()
    })
  }

  test('a worse model is stopped by the gates of the default branch, and by how much is said with the interval', async () => {
    const files = { 'models/candidate.onnx': model('two'), 'tidegate.yaml': pipeline('') }

    const push = await pushBranch('worse', files)

    const run = await runOf('worse')
    expect(run).toMatchObject({ state: 'failed', version: null })
    expect(run.gates).toMatchObject([{ title: 'accuracy-vs-champion', outcome: 'fail' }])
    expect(run.gates[0]?.summary).toMatch(
      /^accuracy 0\.05\d* against the champion's 0\.950: worse by 0\.900 \(95 % interval 0\.\d+ to [01]\.\d+ worse\), margin 0\.02$/,
    )
    expect(push.stderr).toMatch(/remote: +gate fail: accuracy-vs-champion: accuracy .* worse by 0\.900 \(95 % interval/)
    const { examples } = run.gates[0]!.evidence as { examples: unknown[] }
    expect(examples).toHaveLength(10)
    expect(examples[0]).toMatchObject({
      row: 1,
      inputs: { a: '3', c: '0' },
      candidate: '1 (1.00)',
      champion: '0 (1.00)',
    })
    const params = { project: 'shop', number: run.number }
    const page = await ana.client.fetch(getReport, { params, query: {} })
    const text = await ana.client.fetch(getReport, { params, query: { format: 'markdown' } })
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await page.text()).toContain('Answers that changed most')
    expect(await text.text()).toContain(`shop\\#${run.number}: refused`)
    await expectChampion()
  })

  test('a maintainer who is no author may waive an inconclusive gate: a rerun adopts what succeeded and registers', async () => {
    // Each model is right about half of these; and the gate that this change removes is still asked.
    await story.project.commit({
      'models/candidate.onnx': model('two'),
      'rows.csv': heldOut(60, 30),
      'tidegate.yaml': pipeline(''),
    })
    const push = await story.project.push(ana)
    const { number } = await runOf('main')
    const waive = (person: TestPerson, gate = 'accuracy-vs-champion') =>
      person.client.call(waiveGate, { params: { project: 'shop', number }, body: { gate, reason: 'the rows are old' } })

    await expect(waive(lead)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(waive(ana)).rejects.toMatchObject({ code: 'SELF_APPROVAL' })
    await expect(waive(max, 'accuracy')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('it has accuracy-vs-champion'),
    })
    const rerun = await waive(max)

    const run = await story.project.ended(rerun.number)
    expect(push.stderr).toMatch(/gate inconclusive: accuracy-vs-champion: .*60 rows are too few to tell/)
    expect(await story.project.run(number)).toMatchObject({ state: 'failed', version: null })
    expect(push.stderr).toContain(`tidegate waive shop#${number} accuracy-vs-champion --reason`)
    expect(run).toMatchObject({ state: 'succeeded', version: 2, parentRun: `shop#${number}`, person: 'max' })
    expect(run.steps.filter(({ attempt }) => attempt > 0).map(({ key }) => key)).toEqual(['gates', 'registration'])
    expect(run.gates).toMatchObject([{ outcome: 'inconclusive', waivedBy: 'max', waivedReason: 'the rows are old' }])
    await story.reaches(2, 'production', 'awaiting-approval')
  })
})

const CONTRACT = `model: { path: model.onnx }
steps:
  train: { run: cp models/one.onnx model.onnx, outs: [model.onnx] }
  contract: { stage: integration-tests, endpoint: candidate, run: python ask.py }
`

const ASK = `import json, os, urllib.error, urllib.request
url = os.environ["TIDEGATE_ENDPOINT"]
print(url)
rows = {"inputs": [{"name": "x", "shape": [2, 4], "datatype": "FP32", "data": [0, 0, 3, 3, 3, 3, 0, 0]}]}

def ask(headers):
    request = urllib.request.Request(url + "/infer", json.dumps(rows).encode(), headers)
    try:
        return json.load(urllib.request.urlopen(request))["outputs"][0]["data"]
    except urllib.error.HTTPError as error:
        return error.code

print("without:", ask({}))
print("wrong:", ask({"authorization": "Bearer tge_wrong"}))
print("with:", ask({"authorization": "Bearer " + os.environ["TIDEGATE_ENDPOINT_TOKEN"]}))
`
