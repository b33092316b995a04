import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askForDataset, decideDataset, lastApproved, recordPushed } from '../../src/build/dataset-versions.sql.ts'
import {
  findDataset,
  latestDataset,
  latestDatasetOf,
  listDatasets,
  recordDataset,
  type FrozenDataset,
} from '../../src/build/datasets.sql.ts'
import { latestDatasets } from '../../src/build/latest-datasets.sql.ts'
import { createCheckDatasetsTask } from '../../src/build/check-datasets.ts'
import { listFindings, recordFindings } from '../../src/build/findings.sql.ts'
import { createFreezeDatasetTask, type FreezeDatasetInput } from '../../src/build/freeze-dataset.ts'
import type { Digest } from '../../src/core/digest.ts'
import { DATASET_SETTINGS, type DatasetSettings } from '../../src/core/dataset-settings.ts'
import { datasetAccess } from '../../src/dataset-access.ts'
import type { Database } from '../../src/db/open-database.ts'
import type { SettleContext } from '../../src/engine/engine-options.ts'
import { settleDataset } from '../../src/flow/frozen-datasets.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { openAnalytics, queryRows, sqlText } from '../../src/lib/open-analytics.ts'
import { DATABASES, openTestDatabase } from '../harness/databases.ts'
import { openTaskPlace, type TaskPlace } from '../harness/task-context.ts'

const NOW = 1_000_000
let place: TaskPlace
let folder: string
let predictionsFolder: string

beforeAll(async () => {
  place = await openTaskPlace()
  folder = join(place.dataFolder, 'lake')
  predictionsFolder = join(place.dataFolder, 'predictions')
  await mkdir(folder)
})
afterAll(() => place[Symbol.asyncDispose]())

type Asked = Omit<FreezeDatasetInput, 'project' | 'identity'>

async function freeze(input: Asked) {
  const context = await place.context()
  const settings: DatasetSettings = { files: [folder], maxBytes: 1 << 30, s3: { buckets: [] } }
  const access = datasetAccess({ [DATASET_SETTINGS]: JSON.stringify(settings) })
  return createFreezeDatasetTask(access).run({ project: 'digits', identity: sha256('source'), ...input }, context)
}

/** Writes a file of the prediction log from SQL rows. */
async function logPredictions(name: string, values: string, columns = '_id, _row, _at, _status, x, _prediction') {
  const file = join(predictionsFolder, 'digits', 'production', name)
  await mkdir(join(file, '..'), { recursive: true })
  await using analytics = await openAnalytics()
  await analytics.use((connection) =>
    connection.run(`copy (select * from (values ${values}) as t(${columns})) to ${sqlText(file)} (format parquet)`),
  )
}

async function rowsOf(digest: string): Promise<unknown[]> {
  const context = await place.context()
  const file = join(context.workspace, 'read.parquet')
  await writeFile(file, await context.artifacts.read(digest as `sha256:${string}`))
  await using analytics = await openAnalytics()
  return await analytics.use((connection) =>
    queryRows(connection, `select * replace (_at::double as _at) from read_parquet(${sqlText(file)})`),
  )
}

function fromProduction(labels: string, source: object = {}): Asked {
  return {
    path: 'data/feedback.parquet',
    source: { kind: 'production', path: 'data/feedback.parquet', labelled: true, ...source },
    production: { predictionsFolder, project: 'digits', environment: 'production', labels, until: NOW },
  }
}

async function labelFile(lines: readonly object[]): Promise<string> {
  const file = join(place.dataFolder, `labels-${lines.length}.ndjson`)
  await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  return file
}

test('before production has seen anything the feedback is a table without rows', async () => {
  const output = await freeze(fromProduction(await labelFile([])))

  expect(output.result).toMatchObject({ rows: 0 })
  expect(output.outs).toEqual({ 'data/feedback.parquet': output.result!.artifact })
})

test('predictions without labels are the same nothing as no predictions', async () => {
  const before = await freeze(fromProduction(await labelFile([]), {}))
  await logPredictions('unlabelled.parquet', "('nobody', 0, 10, 200, 1.0, 'a')")

  const after = await freeze(fromProduction(await labelFile([]), {}))
  await rm(join(predictionsFolder, 'digits', 'production', 'unlabelled.parquet'))

  expect(after.result).toMatchObject({ rows: 0, digest: before.result!.digest })
})

test('feedback is what was answered, with the last label of each row, in a fixed order', async () => {
  await logPredictions(
    '2026/b.parquet',
    "('b', 0, 900000, 200, 2.5, '7'), ('b', 1, 900000, 200, 3.5, '8'), ('bad', 0, 900001, 500, 9.0, null)",
  )
  await logPredictions('2026/a.parquet', "('a', 0, 800000, 200, 1.5, '1'), ('old', 0, 1000, 200, 1.0, '1')")
  const labels = await labelFile([
    { prediction_id: 'b', row: 1, label: '5' },
    { prediction_id: 'a', row: 0, label: '1' },
    { prediction_id: 'b', row: 1, label: '6' },
    { prediction_id: 'bad', row: 0, label: '1' },
    { prediction_id: 'old', row: 0, label: '1' },
  ])

  const first = await freeze(fromProduction(labels, { windowMs: 500_000 }))
  const again = await freeze(fromProduction(labels, { windowMs: 500_000 }))

  expect(await rowsOf(first.result!.digest)).toEqual([
    { x: 1.5, label: 1n, _id: 'a', _row: 0, _at: 800000 },
    { x: 3.5, label: 6n, _id: 'b', _row: 1, _at: 900000 },
  ])
  expect(first.result!.rows).toBe(2)
  expect(again.result!.digest).toBe(first.result!.digest)
})

test('unlabelled rows are kept where the file does not ask for labels', async () => {
  const output = await freeze(
    fromProduction(await labelFile([{ prediction_id: 'a', row: 0, label: 'cat' }]), { labelled: false }),
  )

  expect(output.result!.rows).toBe(4)
})

test('a large table has the same bytes every time', async () => {
  const file = join(predictionsFolder, 'big', 'production', 'a.parquet')
  await mkdir(join(file, '..'), { recursive: true })
  await using analytics = await openAnalytics()
  await analytics.use((connection) =>
    connection.run(
      `copy (select 'p' || i as _id, 0 as _row, (i * 7919) % 500000 as _at, 200 as _status, random() as x from range(300000) t(i)) to ${sqlText(file)} (format parquet)`,
    ),
  )
  const question = { ...fromProduction(await labelFile([]), { labelled: false }) }
  const input = { ...question, production: { ...question.production!, project: 'big' } }

  const digests = new Set(
    (await Promise.all([freeze(input), freeze(input), freeze(input)])).map(({ result }) => result!.digest),
  )

  expect(digests.size).toBe(1)
})

test('a file is copied, and its rows are counted', async () => {
  const source = join(folder, 'raw.csv')
  await writeFile(source, 'a,b\n1,2\n3,4\n')
  const dataset = { path: 'data/raw.csv', source: { kind: 'file', path: 'data/raw.csv', source } } as const

  const first = await freeze(dataset)
  await writeFile(source, 'a,b\n')
  const later = await freeze(dataset)

  expect(first.result).toMatchObject({
    rows: 2,
    digest: `sha256:${createHash('sha256').update('a,b\n1,2\n3,4\n').digest('hex')}`,
  })
  expect(later.result).toMatchObject({ rows: 0, digest: sha256('a,b\n') })
})

test('a folder with nothing in it, as of a disk that is not mounted, is not what the data is now', async () => {
  const empty = join(folder, 'not-mounted')
  await mkdir(join(empty, 'lost+found'), { recursive: true })

  const output = await freeze({ path: 'd', source: { kind: 'file', path: 'd', source: empty } })

  const message = `${empty} holds nothing. Is what should be there mounted?`
  expect(output).toEqual({ failure: { reason: 'refused', message } })
})

test('a digest waits for its owner also where an older program asked, which does not say what was rejected', async () => {
  const path = join(folder, 'asked-before.csv')
  await writeFile(path, 'a\n1\n')

  const output = await freeze({
    path: 'asked-before.csv',
    source: { kind: 'file', path: 'asked-before.csv', source: path },
    owned: { owners: ['olga'], approved: [] },
  })

  expect(output.failure).toMatchObject({
    reason: 'refused',
    message: expect.stringContaining('waits for the yes of olga'),
  })
})

test('a commit cannot read files outside the folders that are allowed, not even through a link', async () => {
  const secret = join(place.dataFolder, 'secret.csv')
  await writeFile(secret, 'key\n')
  await symlink(secret, join(folder, 'link.csv'))

  for (const source of [secret, join(folder, 'link.csv'), join(folder, '..', 'secret.csv')]) {
    const output = await freeze({ path: 'x.csv', source: { kind: 'file', path: 'x.csv', source } })
    expect(output.failure?.message).toContain('is not in a folder that datasets may come from')
  }
  const gone = await freeze({
    path: 'x.csv',
    source: { kind: 'file', path: 'x.csv', source: join(folder, 'gone.csv') },
  })
  expect(gone.failure?.message).toContain('gone.csv is not on this server')
  expect(await readFile(secret, 'utf8')).toBe('key\n')
})

test('retraining is refused when no dataset has changed, and goes on when one has', async () => {
  const task = createCheckDatasetsTask()
  const previous = { run: 'digits#3', digests: { a: 'sha256:1', b: 'sha256:2' } }

  const same = await task.run(
    { paths: ['a', 'b'], previous, current: { a: 'sha256:1', b: 'sha256:2' } },
    await place.context(),
  )
  const other = await task.run(
    { paths: ['a', 'b'], previous, current: { a: 'sha256:1', b: 'sha256:3' } },
    await place.context(),
  )

  expect(same.failure).toMatchObject({
    reason: 'refused',
    message: expect.stringContaining('no dataset has changed since run digits#3') as string,
  })
  expect(other).toEqual({ result: { changed: ['b'] } })
})

describe.each(DATABASES)('on %s', (kind) => {
  test('datasets are remembered per run, and the last one is found', async () => {
    await using test = await openTestDatabase(kind)
    const { database } = test
    const dataset = (runId: string, digest: `sha256:${string}`, frozenAt: number) =>
      ({
        project: 'p',
        path: 'd.csv',
        runId,
        digest,
        artifact: { kind: 'file', digest, size: 1 },
        rows: 3,
        frozenAt,
        identity: 'sha256:source',
      }) as const

    await database.write(async (writer) => {
      await recordDataset(writer, dataset('p#1', 'sha256:aa', 1))
      await recordDataset(writer, dataset('p#2', 'sha256:bb', 2))
      await recordDataset(writer, dataset('p#2', 'sha256:cc', 2))
    })

    expect(await listDatasets(database.read, 'p#2', 10)).toEqual([dataset('p#2', 'sha256:cc', 2)])
    expect((await latestDataset(database.read, 'p', 'd.csv'))?.digest).toBe('sha256:cc')
    expect((await latestDataset(database.read, 'p', 'd.csv', 'p#2'))?.digest).toBe('sha256:aa')
    expect(await latestDataset(database.read, 'q', 'd.csv')).toBeUndefined()
  })

  test('whoever takes a digest over is not who froze it, and sets nothing back', async () => {
    await using test = await openTestDatabase(kind)
    const { database } = test
    const used = (runId: string, digest: Digest, frozenAt: number) =>
      record(database, { runId, digest, frozenAt, identity: 'one' })
    await used('p#1', 'sha256:aa', 1)
    await used('p#2', 'sha256:bb', 2)
    await used('p#3', 'sha256:bb', 2)
    await used('p#4', 'sha256:aa', 1)

    const froze = { digest: 'sha256:bb', runId: 'p#2', frozenAt: 2 }
    const source = { project: 'p', path: 'd.csv', identity: 'one', exceptRun: 'p#5' }
    expect(await latestDataset(database.read, 'p', 'd.csv')).toMatchObject(froze)
    expect(await latestDatasetOf(database.read, source)).toMatchObject(froze)
    const latest: string[] = []
    for await (const artifact of latestDatasets(database.read)) latest.push(artifact)
    expect(latest).toEqual([JSON.stringify({ kind: 'file', digest: 'sha256:bb', size: 1 })])
  })

  test('a run that takes a dataset over has it as old as it is, and what is frozen anew comes after all others', async () => {
    await using test = await openTestDatabase(kind)
    const { database } = test
    const ahead = Date.now() + 3_600_000
    const settle = (
      runId: string,
      digest: Digest,
      { from, cached = false }: { from?: string; cached?: boolean } = {},
    ) => {
      const artifact = { kind: 'file', digest, size: 1 } as const
      const result = { path: 'd.csv', digest, artifact, rows: 3, identity: 'sha256:one' }
      const run = { id: runId, project: 'p', parent_run: from ?? null }
      const context = { run, output: { result }, cached } as unknown as SettleContext
      return database.write((writer) => settleDataset(writer, context))
    }
    const frozenAt = async (runId: string) => (await findDataset(database.read, runId, 'd.csv'))?.frozenAt
    await settle('p#1', 'sha256:aa')
    // Then somebody set the clock right, by an hour.
    await database.write((writer) => writer.updateTable('datasets').set({ frozen_at: ahead }).execute())

    await settle('p#2', 'sha256:bb')
    await settle('p#3', 'sha256:aa', { from: 'p#1', cached: true })
    await settle('p#4', 'sha256:cc', { from: 'p#1' })

    expect(await Promise.all(['p#2', 'p#3', 'p#4'].map(frozenAt))).toEqual([ahead + 1, ahead, ahead + 2])
  })

  test('a source that is declared anew is another dataset, and its digests are found again', async () => {
    await using test = await openTestDatabase(kind)
    const { database } = test
    const frozen = (runId: string, digest: Digest, identity: string) =>
      record(database, { runId, digest, frozenAt: 1, identity })
    await frozen('p#1', 'sha256:aa', 'one')
    await frozen('p#2', 'sha256:bb', 'other')

    const of = (identity: string, exceptRun = '') =>
      latestDatasetOf(database.read, { project: 'p', path: 'd.csv', identity, exceptRun })

    expect((await of('one'))?.digest).toBe('sha256:aa')
    expect((await of('other'))?.digest).toBe('sha256:bb')
    expect(await of('third')).toBeUndefined()
    expect(await of('other', 'p#2')).toBeUndefined()
  })

  test('a digest waits for a yes, can be refused and allowed again, and the last yes counts', async () => {
    await using test = await openTestDatabase(kind)
    const { database } = test
    const version = (digest: Digest, askedAt: number) => ({
      project: 'p',
      path: 'd.csv',
      digest,
      artifact: { kind: 'file', digest, size: 1 } as const,
      rows: 3,
      identity: 'one',
      runId: 'p#1',
      pushedBy: null,
      askedAt,
    })
    const decide = (digest: Digest, event: 'approve' | 'reject', at: number) =>
      database.write((writer) =>
        decideDataset(writer, { project: 'p', path: 'd.csv', digest, event, by: 'ana', reason: null, at }),
      )
    const last = async () => (await lastApproved(database.read, 'p', 'd.csv'))?.digest

    expect(await database.write((writer) => askForDataset(writer, version('sha256:aa', 1)))).toBe(true)
    expect(await database.write((writer) => askForDataset(writer, version('sha256:aa', 2)))).toBe(false)
    await database.write((writer) => recordPushed(writer, version('sha256:bb', 3)))
    expect(await last()).toBeUndefined()
    await decide('sha256:aa', 'approve', 10)
    await decide('sha256:bb', 'reject', 11)
    expect(await last()).toBe('sha256:aa')
    await decide('sha256:bb', 'approve', 12)
    expect(await last()).toBe('sha256:bb')
    await decide('sha256:aa', 'approve', 13)
    expect(await last()).toBe('sha256:aa')
    await decide('sha256:aa', 'reject', 14)
    expect(await last()).toBe('sha256:bb')
    await expect(decide('sha256:aa', 'reject', 15)).rejects.toThrow('cannot reject now')
  })

  test('findings of a later attempt replace those of an earlier one, and of no other step', async () => {
    await using test = await openTestDatabase(kind)
    const { database } = test
    const finding = { severity: 'error', file: 'a.py', line: 1, column: 2, message: 'no' } as const

    const sources = { runId: 'p#1', step: 'sources' }

    await database.write((writer) => recordFindings(writer, sources, [finding, finding]))
    await database.write((writer) => recordFindings(writer, { runId: 'p#1', step: 'unit' }, [finding]))
    await database.write((writer) => recordFindings(writer, sources, [finding]))

    expect(await listFindings(database.read, 'p#1', 10)).toEqual([
      { step: 'sources', ...finding },
      { step: 'unit', ...finding },
    ])
  })
})

function record(
  database: Database,
  frozen: Pick<FrozenDataset, 'runId' | 'digest' | 'frozenAt' | 'identity'>,
): Promise<void> {
  const artifact = { kind: 'file', digest: frozen.digest, size: 1 } as const
  return database.write((writer) =>
    recordDataset(writer, { project: 'p', path: 'd.csv', artifact, rows: null, ...frozen }),
  )
}
