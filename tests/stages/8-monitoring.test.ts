import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listAlerts, listMonitorWindows, sendLabels } from '../../src/api/monitoring.ts'
import type { Client } from '../../src/client/client.ts'
import { openCommandPlace } from '../cli/command.ts'
import { DATABASES } from '../harness/databases.ts'
import { startTestServerProcess } from '../harness/server-process.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'
import { model } from '../harness/tiny-project.ts'
import { deliveredProject, tellStory, until, type Story } from './delivery-story.ts'

/** Rows in which `one` finds what it was trained on: small numbers, spread evenly. */
function usual(count: number, from = 0): number[][] {
  return Array.from({ length: count }, (_, index) => {
    const row = from + index
    return [row % 7, (row * 3) % 5, (row * 5) % 11, (row * 7) % 13]
  })
}

const shifted = (count: number) => usual(count).map((row) => row.map((value) => value + 40))

const REFERENCE = `a,b,c,d\n${usual(600)
  .map((row) => `${row.join(',')}\n`)
  .join('')}`

/** Rows of a label each: 1 where c + d is more than a + b. */
const truth = ([a = 0, b = 0, c = 0, d = 0]: readonly number[]) => (c + d > a + b ? 1 : 0)

/** A project whose training also reads the feedback; version 1 is live, approved by lead. */
async function watched(
  place: Parameters<typeof tellStory>[0],
  name: string,
  { monitors, data = '' }: { monitors: string; data?: string },
): Promise<Story> {
  const ana = await place.person('ana')
  const lead = await place.person('lead', 'maintainer')
  const pipeline = `model: { path: model.onnx, include: [note.txt], reference: reference.csv, inputs: { x: [a, b, c, d] } }
${data}steps:
  train:
    run: cp trained.onnx model.onnx
    deps: [trained.onnx${data === '' ? '' : ', data/feedback.parquet'}]
    outs: [model.onnx]
environments:
  production:
    approval: none
    labels: { matures: 1ms }
    monitors:
${monitors}`
  const files = deliveredProject('', {
    model: model('one'),
    files: { 'reference.csv': REFERENCE, 'tidegate.yaml': pipeline },
  })
  const story = await tellStory(place, name, files, 'FP32')
  await story.push(ana)
  await story.approve(lead, await story.reaches(1, 'production', 'awaiting-approval'))
  await story.reaches(1, 'production', 'live')
  return story
}

/** Sends rows in requests of fifty, and answers each request's id with the rows it was for. */
async function predict(story: Story, rows: number[][]): Promise<{ id: string; rows: number[][] }[]> {
  const sent: { id: string; rows: number[][] }[] = []
  for (let start = 0; start < rows.length; start += 50) {
    const batch = rows.slice(start, start + 50)
    const { status, id, body } = await story.infer('production', batch)
    if (status !== 200 || id === null) throw new Error(JSON.stringify(body))
    sent.push({ id, rows: batch })
  }
  return sent
}

async function windowsOf(client: Client, project: string) {
  return (await client.call(listMonitorWindows, { params: { project } })).windows
}

async function alertsOf(client: Client, project: string) {
  return (await client.call(listAlerts, { params: { project } })).alerts
}

/** The newest alert, once everything it asks for was done or refused. */
function acted(client: Client, project: string, actions: number) {
  return until(`an alert of ${project} and ${actions} actions`, async () => {
    const seen = await alertsOf(client, project)
    return {
      found: seen.find((alert) => alert.actions.length === actions),
      seen: { alerts: seen, windows: await windowsOf(client, project) },
    }
  })
}

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer
  let ana: TestPerson

  beforeAll(async () => {
    place = await openTestServer(kind)
    ana = await place.person('ana')
  })

  afterAll(() => place[Symbol.asyncDispose]())

  test('drifted traffic raises an alert, which starts a retraining run because the feedback is new; usual traffic does not', async () => {
    const { client } = place.admin
    const story = await watched(place, 'drifts', {
      monitors: `      - { kind: drift, window: 400 rows, actions: [notify, { retrain: { cooldown: 1h } }] }\n`,
      data: 'data: { data/feedback.parquet: { from: production, labelled: true } }\n',
    })

    await predict(story, usual(400))
    const calm = await until('the first window', async () => {
      const seen = await windowsOf(client, 'drifts')
      return { found: seen[0], seen }
    })
    expect(calm).toMatchObject({ state: 'ok', rows: 400, summary: '4 features looked at in 400 rows: no drift.' })
    expect(await alertsOf(client, 'drifts')).toEqual([])

    const sent = await predict(story, shifted(400))
    const labels = sent.flatMap(({ id, rows }) => rows.map((row, index) => ({ id, row: index, label: truth(row) })))
    const told = { project: 'drifts', environment: 'production', labels }
    expect(await ana.client.call(sendLabels, { body: told })).toMatchObject({ accepted: 400, duplicate: 0 })
    expect(await ana.client.call(sendLabels, { body: told })).toMatchObject({ accepted: 0, duplicate: 400 })
    const alert = await acted(client, 'drifts', 2)

    expect(alert).toMatchObject({ kind: 'drift', version: 1, state: 'firing' })
    expect(alert.actions).toMatchObject([
      { kind: 'notify', outcome: 'done' },
      { kind: 'retrain', outcome: 'done', run: 'drifts#2' },
    ])
    const retraining = await story.project.ended(2)
    expect(retraining).toMatchObject({ state: 'succeeded', event: 'alert', person: 'tidegate' })
    const train = retraining.steps.find(({ key }) => key === 'train')
    expect(train).toMatchObject({ cache: 'miss', why: expect.stringContaining('data/feedback.parquet') })
    const files = await readdir(join(place.dataFolder, 'predictions', 'drifts', 'production'), { recursive: true })
    expect(files.some((file) => file.endsWith('.parquet'))).toBe(true)
  })

  // What follows is decided by rows, which tests/monitoring has on both databases.
  if (kind === 'postgres') return

  test('a second alert within the cooldown retrains nothing and says why; too few rows are a state of their own', async () => {
    const { client } = place.admin
    const story = await watched(place, 'cools', {
      monitors: `      - { kind: drift, window: 100 rows }
      - { kind: quality, window: 300 rows, actions: [{ retrain: { cooldown: 1h } }] }
      - { kind: drift, window: 300 rows, actions: [{ retrain: { cooldown: 1h } }] }\n`,
      data: 'data: { data/feedback.parquet: { from: production, labelled: true } }\n',
    })

    await predict(story, shifted(300))
    const alerts = await until('both alerts to be acted upon', async () => {
      const seen = await alertsOf(client, 'cools')
      const isDone = seen.length === 2 && seen.every(({ actions }) => actions.length === 1)
      return { found: isDone ? seen : undefined, seen }
    })

    const outcomes = alerts.flatMap(({ actions }) => actions)
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['done', 'refused'])
    expect(outcomes.find(({ outcome }) => outcome === 'refused')?.detail).toMatch(
      /retraining run cools#2 has not ended|the last retraining began .* ago, and the cooldown is 1 h/,
    )
    // Nobody told a label: there is nothing to learn from, and the run that was started says so.
    expect(await story.project.ended(2)).toMatchObject({ state: 'refused', event: 'alert' })
    expect((await story.project.run(2)).reason).toContain('no dataset has changed since run cools#1')
    expect((await windowsOf(client, 'cools')).find(({ rows }) => rows === 100)).toMatchObject({
      state: 'too-few-rows',
      summary: expect.stringContaining('300'),
    })
  })

  test('labels told on the command line show that a version answers worse, and it goes back to the one before', async () => {
    const { client } = place.admin
    const story = await watched(place, 'worsens', {
      monitors: `      - { kind: performance, metric: accuracy, min: 0.8, window: 200 rows, actions: [rollback] }\n`,
    })
    await story.push(ana, { 'trained.onnx': model('two') })
    await story.reaches(2, 'production', 'live')

    // Told before the predictions are asked for: labels that mature at once are not late then, however busy we are.
    const rows = usual(200)
    const lines = rows.map((row, index) => `${JSON.stringify({ id: 'asked', row: index, label: truth(row) })}\n`)
    await using command = await openCommandPlace()
    const file = join(place.folder, 'labels.jsonl')
    await writeFile(file, lines.join(''))
    const login = { TIDEGATE_SERVER: place.server.address, TIDEGATE_TOKEN: ana.token }
    const said = await command.tidegate(place.folder, ['label', 'worsens', 'production', '--file', file], login)
    expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining('200 labels accepted') })
    expect(await story.infer('production', rows, { 'x-request-id': 'asked' })).toMatchObject({
      version: '2',
      id: 'asked',
    })

    const alert = await acted(client, 'worsens', 1)
    expect(alert).toMatchObject({
      kind: 'performance',
      version: 2,
      actions: [{ kind: 'rollback', outcome: 'done', detail: 'back to version 1' }],
    })
    await story.reaches(2, 'production', 'rolled-back')
    expect(await story.infer('production', [[1, 1, 5, 5]])).toMatchObject({ status: 200, version: '1' })
  })

  test('a server killed with -9 between alert and action acts once when it is back', async () => {
    await using process = await startTestServerProcess(kind)
    const { client } = process.admin
    const story = await watched(process, 'survives', {
      monitors: `      - { kind: drift, window: 300 rows, actions: [notify, { retrain: { cooldown: 1h } }] }\n`,
    })
    await predict(story, shifted(300))
    // As fast as can be: the alert is there, and what is to be done about it is not, or not all of it.
    while ((await alertsOf(client, 'survives')).length === 0);
    await process.kill()

    await process.start()
    const alert = await acted(client, 'survives', 2)

    expect(alert.actions.map(({ kind: action, outcome }) => [action, outcome])).toEqual([
      ['notify', 'done'],
      ['retrain', 'done'],
    ])
    expect(await alertsOf(client, 'survives')).toHaveLength(1)
    expect((await story.project.runs()).map(({ number, event }) => [number, event])).toEqual([
      [2, 'alert'],
      [1, 'push'],
    ])
  })
})
