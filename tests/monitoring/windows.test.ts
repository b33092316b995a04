import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { joinLabels } from '../../src/monitoring/join-labels.ts'
import { measureLatency } from '../../src/monitoring/measure-latency.ts'
import { judgeDrift } from '../../src/monitoring/monitor-drift.ts'
import { judgeQuality } from '../../src/monitoring/monitor-quality.ts'
import { sqlText, type Analytics } from '../../src/lib/open-analytics.ts'
import { profileReference } from '../../src/monitoring/profile-reference.ts'
import { profileWindow } from '../../src/monitoring/profile-window.ts'
import type { NumberReference, ReferenceProfile } from '../../src/monitoring/reference-profile.ts'
import { logged, openPredictionLog, uniform, type PredictionLog } from './prediction-log.ts'

let place: PredictionLog
let analytics: Analytics
let reference: ReferenceProfile

const COLUMNS = ['x', 'size', 'big', 'o\'dd "name"', 'color']

beforeAll(async () => {
  place = await openPredictionLog()
  analytics = place.analytics
  const file = await place.write('reference.parquet', `select ${inputs(uniform(0), 'range')} from range(3000)`)
  reference = await profileReference(analytics, { file, columns: COLUMNS })
  // 600 rows like the reference, then 600 with another x and a new color; 200 of another version.
  await place.log(
    'production',
    'day=1/a.parquet',
    `select ${logged('range + 1', "'1'")}, ${inputs(uniform(5000), 'range')} from range(600)`,
  )
  await place.log(
    'production',
    'day=2/b.parquet',
    `select ${logged('range + 1001', "'1'")}, ${inputs(`${uniform(7000)} * ${uniform(9000)} * 1.2`, 'range', "'pink'")} from range(600)`,
  )
  await place.log(
    'production',
    'day=2/c.parquet',
    `select ${logged('range + 1001', "'2'")}, 1.0 as other from range(200)`,
  )
})

afterAll(() => place[Symbol.asyncDispose]())

/** x is uniform; half of the sizes are 0; the odd column is always 4; colors are red and blue. */
function inputs(x: string, i: string, color = "'red'"): string {
  return `${x} as x, (${i} % 2) * (${i} % 7) as size, ${x} > 0.5 as big, 4 as "o'dd ""name""", if(${i} % 3 = 0, ${color}, 'blue') as color`
}

function question(since: number, until: number, environment = 'production') {
  return {
    folder: join(place.data, 'predictions', 'shop', environment),
    version: '1',
    size: { kind: 'rows', rows: 500 } as const,
    since,
    until,
  }
}

test('the reference is counted in bins made from itself', () => {
  const x = reference.columns['x'] as NumberReference
  const size = reference.columns['size'] as NumberReference

  expect(reference).toMatchObject({ version: 1, rows: 3000, missing: [] })
  expect(x.counts).toHaveLength(20)
  expect(Math.min(...x.counts)).toBeGreaterThanOrEqual(149)
  expect(size.counts.reduce((sum, count) => sum + count, 0)).toBe(3000)
  expect(size).toMatchObject({ min: 0, max: 6 })
  expect(reference.columns['o\'dd "name"']).toMatchObject({ counts: [0, 3000, 0] })
  expect(reference.columns['color']).toMatchObject({ categories: ['blue', 'red'], counts: [2000, 1000, 0], nulls: 0 })
})

test('a CSV reference gives the same profile as Parquet', async () => {
  const file = join(place.data, 'reference.csv')
  await analytics.use((connection) =>
    connection.run(`copy (from ${sqlText(join(place.data, 'reference.parquet'))}) to ${sqlText(file)}`),
  )

  expect(await profileReference(analytics, { file, columns: COLUMNS })).toEqual(reference)
})

test('a column that the reference lacks is named', async () => {
  const found = await profileReference(analytics, {
    file: join(place.data, 'reference.parquet'),
    columns: ['x', 'income'],
  })

  expect(found.missing).toEqual(['income'])
})

test('a reference file that is no table is refused by name', async () => {
  const file = join(place.data, 'broken.parquet')
  await writeFile(file, 'this is not Parquet')

  const refused = await profileReference(analytics, { file, columns: ['x'] }).catch((error: unknown) => error)

  expect(isAppError(refused, 'INVALID_INPUT')).toBe(true)
  expect((refused as Error).message).toContain('broken.parquet cannot be read as Parquet')
})

test('the next rows of a version that looks like the reference raise nothing', async () => {
  const window = await profileWindow(analytics, question(0, 1000), reference)

  expect(window).toMatchObject({ rows: 500, from: 1, to: 500, unlogged: [] })
  expect(judgeDrift(reference, window, { features: 'all' }).state).toBe('ok')
  expect(judgeQuality(reference, window).state).toBe('ok')
})

test('drifted rows are found, and so is the color that the reference never had', async () => {
  const window = await profileWindow(analytics, question(1000, 9999), reference)

  expect(judgeDrift(reference, window, { features: 'all' })).toMatchObject({
    state: 'trouble',
    evidence: { drifted: expect.arrayContaining(['x', 'color']) },
  })
  expect(judgeQuality(reference, window).summary).toContain('color unseen category')
  expect(window.columns['color']).toMatchObject({ otherExamples: ['pink'] })
})

test('a window of time ends where the one before ended', async () => {
  const size = { kind: 'time', ms: 300 } as const
  const whole = await profileWindow(analytics, { ...question(0, 600), size }, reference)
  const cut = await profileWindow(analytics, { ...question(500, 600), size }, reference)

  expect(whole).toMatchObject({ rows: 300, from: 301, to: 600 })
  expect(cut).toMatchObject({ rows: 100, from: 501, to: 600 })
})

test('NaN, infinite, null and text values are counted, and break nothing', async () => {
  const broken = `case range % 5 when 0 then 'NaN' when 1 then 'inf' when 2 then null when 3 then 'abc' else '0.5' end as x`
  await place.log(
    'broken',
    'a.parquet',
    `select ${logged('range + 1', "'1'")}, ${broken}, range - 10.0 as size from range(100)`,
  )

  const window = await profileWindow(analytics, question(0, 1000, 'broken'), reference)

  expect(window.columns['x']).toMatchObject({ nans: 20, infinities: 20, nulls: 20, unreadable: 20, below: 0, above: 0 })
  expect(window.columns['size']).toMatchObject({ below: 10, above: 83, nulls: 0 })
  expect(window.unlogged).toEqual(['big', 'o\'dd "name"', 'color'])
  expect(judgeQuality(reference, window).state).toBe('trouble')
})

test('requests that the client got wrong are no drift', async () => {
  await place.log(
    'wrong',
    'a.parquet',
    `select * replace (422 as _status), 99.0 as x from (select ${logged('range + 1', "'1'")} from range(10))`,
  )

  expect(await profileWindow(analytics, question(0, 1000, 'wrong'), reference)).toMatchObject({ rows: 0, from: null })
})

test('an environment without predictions has an empty window', async () => {
  const nowhere = question(0, 1000, 'nowhere')

  expect(await profileWindow(analytics, nowhere, reference)).toMatchObject({ rows: 0, columns: {} })
  expect(await measureLatency(analytics, nowhere, { percentile: 99, maxMs: 1 })).toMatchObject({ requests: 0 })
  expect(await joinLabels(analytics, nowhere, [])).toMatchObject({ rows: 0, labelled: 0 })
})

test('latency is counted once per request', async () => {
  const rows = `select * replace (range % 2 as _row, 'r' || (range // 2) as _id) from (select range, ${logged('range + 1', "'1'")} from range(200))`
  await place.log('slow', 'a.parquet', rows)

  const found = await measureLatency(analytics, question(0, 1000, 'slow'), { percentile: 50, maxMs: 15 })

  expect(found.requests).toBe(100)
  expect(found.slower).toBe(25)
  expect(found.valueMs).toBeCloseTo(10.1, 6)
})

test('labels are joined by prediction, the last one holds, and numbers agree as numbers', async () => {
  const wrong = { predictionId: 'p101', row: 0, label: '9' }
  const corrected = { ...wrong, label: '1' }
  const asNumber = { predictionId: 'p102', row: 0, label: '2.0' }
  const off = { predictionId: 'p103', row: 0, label: '5' }
  const unknown = { predictionId: 'elsewhere', row: 0, label: '5' }

  const found = await joinLabels(analytics, question(0, 1000), [wrong, corrected, asNumber, off, unknown])

  expect(found).toMatchObject({ rows: 500, labelled: 3, correct: 2, from: 1, to: 500, numeric: { rows: 3 } })
  expect(found.numeric.absolute.mean).toBeCloseTo(2 / 3, 12)
  expect(found.numeric.squared.mean).toBeCloseTo(4 / 3, 12)
})

test('files that were written before the window begins are not opened', async () => {
  await place.log('old', 'damaged.parquet', 'select 1 as x')
  const damaged = join(place.data, 'predictions', 'shop', 'old', 'damaged.parquet')
  await writeFile(damaged, 'not Parquet')
  await utimes(damaged, 1000, 1000)
  await place.log('old', 'new.parquet', `select ${logged('range + 2000000', "'1'")} from range(5)`)

  const found = await profileWindow(analytics, question(1_900_000, 2_100_000, 'old'), reference)

  expect(found.rows).toBe(5)
})
