import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BundleManifest } from '../../src/core/bundle.ts'
import { isAppError } from '../../src/core/errors.ts'
import { readEvents } from '../../src/db/outbox.ts'
import type { VersionLineage } from '../../src/registry/lineage.ts'
import {
  assembleLineage,
  findVersionByBundle,
  getVersion,
  listVersions,
  registerVersion,
  type NewVersion,
} from '../../src/registry/versions.sql.ts'
import { DATABASES, openTestDatabase, type TestDatabase } from '../harness/databases.ts'

const MANIFEST: BundleManifest = {
  version: 1,
  name: 'digits',
  files: { kind: 'tree', digest: 'sha256:f', size: 1 },
  modelPath: 'model.onnx',
  runtime: { kind: 'onnx' },
  signature: { inputs: [], outputs: [], columns: {}, answer: { prediction: 'label' } },
}
const LINEAGE: VersionLineage = {
  run: 'digits#1',
  commit: 'c0ffee',
  branch: 'main',
  person: 'ana',
  authors: ['ana'],
  event: 'push',
  alert: null,
  datasets: { 'data/feedback.parquet': 'sha256:d' },
  lockDigest: 'sha256:l',
  gates: [{ title: 'accuracy', outcome: 'pass', summary: 'fine', waivedBy: null }],
  tests: { passed: 3, failed: 0, skipped: 0 },
}

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestDatabase
  beforeAll(async () => {
    place = await openTestDatabase(kind)
  })
  afterAll(() => place[Symbol.asyncDispose]())

  const version = (project: string, bundle: string): NewVersion => ({
    project,
    model: 'digits',
    bundle: `sha256:${bundle}`,
    manifest: MANIFEST,
    runId: `${project}#1`,
    metrics: { accuracy: 0.97 },
    lineage: LINEAGE,
  })
  const register = (new_: NewVersion) => place.database.write((writer) => registerVersion(writer, kind, new_))

  test('versions count 1, 2, 3, and a bundle that is a version stays that version', async () => {
    const first = await register(version('a', '1'))
    const second = await register(version('a', '2'))
    const again = await register(version('a', '1'))

    expect([first, second, again].map(({ version: v, isNew }) => [v.version, isNew])).toEqual([
      [1, true],
      [2, true],
      [1, false],
    ])
    const events = await readEvents(place.database.read, 0, 10, { project: 'a' })
    expect(events.map(({ kind: what, subject }) => [what, subject])).toEqual([
      ['version.registered', 'digits@1'],
      ['version.registered', 'digits@2'],
    ])
  })

  test('of many at once each bundle gets one number', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, (_, i) => register(version('b', `${i % 6}`))))

    expect(new Set(all.map(({ version: v }) => v.version))).toEqual(new Set([1, 2, 3, 4, 5, 6]))
    expect(all.filter(({ isNew }) => isNew)).toHaveLength(6)
  })

  test('a version is found by number, by bundle and in a list, newest first', async () => {
    for (const bundle of ['x', 'y', 'z']) await register(version('c', bundle))
    const { read } = place.database

    expect(await getVersion(read, 'c', 'digits', 2)).toMatchObject({
      bundle: 'sha256:y',
      manifest: MANIFEST,
      metrics: { accuracy: 0.97 },
    })
    expect((await findVersionByBundle(read, 'c', 'sha256:z'))?.version).toBe(3)
    expect(await findVersionByBundle(read, 'c', 'sha256:q')).toBeUndefined()
    expect((await listVersions(read, { project: 'c' }, 2)).map((v) => v.version)).toEqual([3, 2])
    expect((await listVersions(read, { project: 'c', before: 2 }, 2)).map((v) => v.version)).toEqual([1])
    const missing = await getVersion(read, 'c', 'digits', 9).catch((error: unknown) => error)
    expect(isAppError(missing, 'NOT_FOUND')).toBe(true)
  })

  test('lineage goes from the version back to commit, data and people, and on to where it served', async () => {
    await register(version('d', '1'))
    const deployments = [{ id: 'd1', environment: 'production', state: 'live', liveAt: 5 }]

    const lineage = assembleLineage(await getVersion(place.database.read, 'd', 'digits', 1), {
      deployments,
      approvals: [],
      signatures: [],
    })

    expect(lineage).toMatchObject({
      ...LINEAGE,
      version: 1,
      bundle: 'sha256:1',
      metrics: { accuracy: 0.97 },
      deployments,
    })
  })
})
