import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import type { PredictionRecord } from '../../src/core/route-table.ts'
import { rollSpools } from '../../src/serving/prediction-log/roll-spools.ts'
import { arm, ask, CLASSIFIER, hostSpec, openTestGateway, putRoutes, QUESTION, route } from './serving-place.ts'

const LOG = { inputs: 'all', drop: [], sample: 1 } as const
const RECORD: PredictionRecord = {
  id: 'p-1',
  at: 1_700_000_000_000,
  project: 'shop',
  environment: 'production',
  model: 'm',
  version: '1',
  arm: 'champion',
  weight: 0.95,
  status: 200,
  latencyMs: 1.5,
  rows: 1,
  inputs: { x: [1, 2, 3, 'NaN'] },
  outputs: { label: [1], probabilities: [0.25, 0.75] },
}

test('each row of a prediction becomes a row of Parquet, with its columns, answer and arm', async () => {
  await using folder = await temporaryFolder()
  await using gateway = await openTestGateway()
  await putRoutes(
    gateway,
    [hostSpec('one', 'one')],
    [route([arm('champion', 'one', '1', 1)], { log: { ...LOG, drop: ['b'] } })],
  )
  const [x] = QUESTION.inputs
  const two = { inputs: [{ ...x, shape: [2, 4], data: [1, 2, 3, 4, 4, 3, 2, 1] }] }

  await ask(gateway.base, two, { 'x-request-id': 'order-1' })
  const rows = await rolledRows(join(gateway.folder, 'spool'), folder.path, 2)

  expect(rows).toMatchObject([
    {
      _id: 'order-1',
      _row: 0,
      _version: '1',
      _arm: 'champion',
      _weight: 1,
      _status: 200,
      a: 1,
      b: null,
      c: 3,
      d: 4,
      _prediction: '1',
    },
    { _id: 'order-1', _row: 1, a: 4, b: null, d: 1, _prediction: '0' },
  ])
  expect(rows[0]!['_score']).toBeCloseTo(0.982, 3)
})

test('a request that the model failed keeps its row, without a prediction', async () => {
  await using folder = await temporaryFolder()
  const signature = {
    ...CLASSIFIER,
    inputs: [{ name: 'x', datatype: 'INT64', shape: [-1, 4] } as const],
    answer: { prediction: 'y' },
  }
  await using gateway = await openTestGateway()
  await putRoutes(
    gateway,
    [hostSpec('div', 'divides', { signature })],
    [route([arm('champion', 'div', '1', 1)], { log: LOG })],
  )

  await ask(gateway.base, { inputs: [{ name: 'x', shape: [1, 4], datatype: 'INT64', data: [0, 0, 0, 0] }] })
  const [row] = await rolledRows(join(gateway.folder, 'spool'), folder.path, 1, () => signature)

  expect(row).toMatchObject({ _status: 500, a: '0', _prediction: null, _score: null })
})

test('what is not to be logged is not: nothing without settings, no inputs where none are wanted', async () => {
  await using gateway = await openTestGateway()
  const hosts = [hostSpec('one', 'one')]
  await putRoutes(gateway, hosts, [
    route([arm('champion', 'one', '1', 1)], { environment: 'silent' }),
    route([arm('champion', 'one', '1', 1)], { log: { ...LOG, inputs: 'none' } }),
  ])

  await ask(`${gateway.control.address}/shop/silent`)
  await ask(gateway.base)
  await gateway.control.stop()

  const spool = join(gateway.folder, 'spool', 'shop')
  const [file] = await readdir(join(spool, 'production'))
  const record = JSON.parse(await readFile(join(spool, 'production', file!), 'utf8')) as PredictionRecord
  expect(await readdir(spool)).toEqual(['production'])
  expect(record).toMatchObject({ outputs: { label: [1] } })
  expect(record.inputs).toBeUndefined()
})

test('a spool file whose Parquet is there already is only removed: no row comes twice', async () => {
  await using folder = await temporaryFolder()
  await writeSpool(folder.path, 'a', [RECORD])
  await roll(folder.path)
  await writeSpool(folder.path, 'a', [RECORD])

  const again = await roll(folder.path)

  expect(again).toEqual([])
  expect(await readdir(join(folder.path, 'spool/shop/production'))).toEqual([])
  expect(await readRows(join(folder.path, 'predictions'))).toHaveLength(1)
})

test('the torn last line of a killed gateway is skipped, values that JSON lacks come back as numbers', async () => {
  await using folder = await temporaryFolder()
  await writeSpool(folder.path, 'a', [RECORD, { ...RECORD, id: 'p-2', version: 'gone' }], '{"id":"p-3","at":17')

  const [rolled] = await roll(folder.path)

  expect(rolled).toMatchObject({ project: 'shop', environment: 'production', rows: 2, skipped: 1 })
  expect(await readRows(join(folder.path, 'predictions'))).toMatchObject([
    { _id: 'p-1', _at: '1700000000000', _weight: 0.95, a: 1, d: 'NaN', _prediction: '1', _score: 0.75 },
    { _id: 'p-2', a: null, _prediction: null },
  ])
})

async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'tidegate-spool-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

async function writeSpool(
  folder: string,
  name: string,
  records: readonly PredictionRecord[],
  tail = '',
): Promise<void> {
  const spool = join(folder, 'spool/shop/production')
  await mkdir(spool, { recursive: true })
  await writeFile(
    join(spool, `${name}.ndjson`),
    `${records.map((record) => `${JSON.stringify(record)}\n`).join('')}${tail}`,
  )
}

async function roll(folder: string): ReturnType<typeof rollSpools> {
  return await rollSpools({
    spoolFolder: join(folder, 'spool'),
    predictionsFolder: join(folder, 'predictions'),
    signatureOf: (_project, _environment, version) => (version === '1' ? CLASSIFIER : undefined),
  })
}

/** Waits for the gateway to close its spool file: it does so by itself. */
async function rolledRows(
  spoolFolder: string,
  predictionsFolder: string,
  count: number,
  signatureOf = () => CLASSIFIER,
): Promise<Record<string, unknown>[]> {
  let rows = 0
  await expect
    .poll(
      async () => {
        for (const rolled of await rollSpools({ spoolFolder, predictionsFolder, signatureOf })) rows += rolled.rows
        return rows
      },
      { timeout: 15_000 },
    )
    .toBe(count)
  return await readRows(predictionsFolder)
}

async function readRows(folder: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  const result = await connection.runAndReadAll(
    `select * from read_parquet('${folder}/**/*.parquet', union_by_name = true) order by _id, _row`,
  )
  const rows = result.getRowObjectsJson()
  connection.closeSync()
  instance.closeSync()
  return rows
}
