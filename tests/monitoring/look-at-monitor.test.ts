import { afterAll, beforeAll, expect, test } from 'vitest'
import { lookAtMonitor, type MonitorView } from '../../src/monitoring/look-at-monitor.ts'
import { join } from 'node:path'
import { profileReference } from '../../src/monitoring/profile-reference.ts'
import type { MonitorSpec } from '../../src/pipeline/pipeline.ts'
import { logged, openPredictionLog, uniform, type PredictionLog } from './prediction-log.ts'

let place: PredictionLog
let view: MonitorView

const shared = { window: { kind: 'rows', rows: 500 }, forWindows: 1, actions: [] } as const
const drift: MonitorSpec = { ...shared, kind: 'drift', name: 'drift', features: 'all' }

beforeAll(async () => {
  place = await openPredictionLog()
  const file = await place.write(
    'reference.parquet',
    `select ${uniform(0)} as value, if(range % 2 = 0, 'a', 'b') as n from range(2000)`,
  )
  await place.log(
    'production',
    '1.parquet',
    `select ${logged('range + 1', "'4'")}, ${uniform(3000)} as value, if(range % 2 = 0, 'a', 'b') as n from range(900)`,
  )
  await place.log(
    'production',
    '2.parquet',
    `select ${logged('range + 901', "'4'")}, 0.4 as value, 'b' as n from range(500)`,
  )
  view = {
    analytics: place.analytics,
    folder: join(place.data, 'predictions', 'shop', 'production'),
    version: '4',
    since: 0,
    until: 900,
    reference: await profileReference(place.analytics, { file, columns: ['value', 'n'] }),
    labels: () => [],
  }
})

afterAll(() => place[Symbol.asyncDispose]())

test('a window of rows is looked at when it is full, and not before', async () => {
  const full = await lookAtMonitor(drift, view)
  const partial = await lookAtMonitor(drift, { ...view, since: full!.to })

  expect(full).toMatchObject({ rows: 500, from: 1, to: 500, finding: { state: 'ok' } })
  expect(partial).toBeUndefined()
})

test('the next window drifts, whatever its columns are called', async () => {
  const look = await lookAtMonitor(drift, { ...view, since: 900, until: 2000 })

  expect(look).toMatchObject({
    rows: 500,
    from: 901,
    to: 1400,
    finding: { state: 'trouble', evidence: { drifted: ['value', 'n'] } },
  })
})

test('a window of time is looked at when the time is over, even without rows', async () => {
  const timed: MonitorSpec = { ...shared, kind: 'quality', name: 'quality', window: { kind: 'time', ms: 400 } }

  expect(await lookAtMonitor(timed, { ...view, since: 600 })).toBeUndefined()
  expect(await lookAtMonitor(timed, { ...view, since: 100 })).toMatchObject({
    from: 500,
    to: 900,
    rows: 400,
    finding: { state: 'ok' },
  })
  expect(await lookAtMonitor(timed, { ...view, version: '5' })).toMatchObject({
    rows: 0,
    finding: { state: 'too-few-rows' },
  })
})

test('performance is judged from labels, latency from requests', async () => {
  const performance: MonitorSpec = {
    ...shared,
    kind: 'performance',
    name: 'performance-accuracy',
    metric: 'accuracy',
    min: 0.9,
  }
  const latency: MonitorSpec = { ...shared, kind: 'latency', name: 'latency-p99', percentile: 99, maxMs: 1 }
  // True for the even ones only.
  const labels = Array.from({ length: 900 }, (_, i) => ({
    predictionId: `p${i + 1}`,
    row: 0,
    label: i % 2 ? String((i + 1) % 10) : 'no',
  }))

  expect(await lookAtMonitor(performance, { ...view, labels: () => labels })).toMatchObject({
    finding: { state: 'trouble', evidence: { labels: 500, value: 0.5 } },
  })
  expect(await lookAtMonitor(performance, view)).toMatchObject({ finding: { state: 'too-few-rows' } })
  expect(await lookAtMonitor(latency, view)).toMatchObject({ finding: { state: 'trouble' } })
})

test('without a reference, or with a metric that labels do not give, a monitor says what to do', async () => {
  const recall: MonitorSpec = { ...shared, kind: 'performance', name: 'performance-recall', metric: 'recall', min: 0.9 }

  expect((await lookAtMonitor(drift, { ...view, reference: undefined }))!.finding.summary).toContain(
    'Set `model.reference`',
  )
  expect((await lookAtMonitor(recall, view))!.finding.summary).toContain('use accuracy, mae, rmse')
})
