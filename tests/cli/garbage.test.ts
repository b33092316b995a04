import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collectGarbage } from '../../src/api/system.ts'
import { openArtifacts } from '../../src/artifacts/open-artifacts.ts'
import type { BundleManifest } from '../../src/core/bundle.ts'
import type { Digest } from '../../src/core/digest.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { readEvents } from '../../src/db/outbox.ts'
import { findReport, recordReport, type KeptReport } from '../../src/evaluation/reports.sql.ts'
import { collectLogs } from '../../src/flow/collect-garbage.ts'
import { DATABASES } from '../harness/databases.ts'
import { openTestServer, type TestProject, type TestServer } from '../harness/server.ts'
import { flipByte } from '../harness/flip-byte.ts'
import { bringLive, predict, servedProject } from './live-model.ts'

/** 600 folders, one in the other: their path is longer than any that may be named. */
const NEST = `
import os, sys
os.chdir(sys.argv[1])
for _ in range(600):
    os.mkdir('dddddddd')
    os.chdir('dddddddd')
`
const LONG_AGO = new Date(Date.now() - 40 * 24 * 3_600_000)

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer
  let project: TestProject
  let bundle: string

  beforeAll(async () => {
    place = await openTestServer(kind)
    const ana = await place.person('ana')
    const lead = await place.person('lead', 'approver')
    project = await place.project('served', servedProject)
    await project.push(ana)
    bundle = (await bringLive(project, lead)).bundle
  })
  afterAll(() => place[Symbol.asyncDispose]())

  const collect = (dryRun: boolean) => place.admin.client.call(collectGarbage, { body: { dryRun } })

  /** As if everything had been there for weeks, so that nothing is spared for its youth. */
  async function age(folder: string): Promise<void> {
    for (const entry of await readdir(join(place.dataFolder, folder), { recursive: true })) {
      await utimes(join(place.dataFolder, folder, entry), LONG_AGO, LONG_AGO)
    }
  }

  async function storeOrphan(text: string): Promise<Digest> {
    await using store = await openFolderStore(join(place.dataFolder, 'store'))
    return (await store.put(Buffer.from(text))).digest
  }

  async function isStored(digest: Digest): Promise<boolean> {
    await using store = await openFolderStore(join(place.dataFolder, 'store'))
    return (await store.has(digest)) !== undefined
  }

  test('a dry run tells what would go and removes nothing', async () => {
    const orphan = await storeOrphan('nobody needs this')
    await age('store')

    const { rows, freedBytes } = await collect(true)

    expect(rows).toContainEqual(expect.objectContaining({ why: 'nothing refers to it', removed: true }))
    expect(freedBytes).toBeGreaterThanOrEqual('nobody needs this'.length)
    expect(await isStored(orphan)).toBe(true)
  })

  test('workspaces that nobody can name, or that lead elsewhere, are counted and go as any other', async () => {
    const left = join(place.dataFolder, 'workspaces', 'gone', '1', 'train', '1')
    await mkdir(left, { recursive: true })
    await promisify(execFile)('python3', ['-c', NEST, left])
    await symlink('/', join(left, 'root'))
    await utimes(left, LONG_AGO, LONG_AGO)

    const { rows } = await collect(false)

    expect(rows).toContainEqual(expect.objectContaining({ what: 'workspaces/gone/1/train/1', removed: true }))
    expect(existsSync(left)).toBe(false)
    expect(existsSync('/etc')).toBe(true)
  })

  test('what nothing refers to goes; the live version can be served again from what is left', async () => {
    const orphan = await storeOrphan('nobody needs this either')
    const young = await storeOrphan('somebody may be about to refer to this')
    await age('store')
    await utimes(pathOf(young), new Date(), new Date())

    await collect(false)

    expect(await isStored(orphan)).toBe(false)
    expect(await isStored(young)).toBe(true)
    expect(await predict(place.server.gatewayAddress, 'served')).toMatchObject({ status: 200 })
    await expectWhole()
  })

  test('what was damaged is kept for who wants to look, and goes after a month', async () => {
    const [fresh, old] = [await storeOrphan('damaged today'), await storeOrphan('damaged long ago')]
    await using store = await openFolderStore(join(place.dataFolder, 'store'))
    for (const digest of [fresh, old]) {
      flipByte(store, digest)
      await store.setAside(digest)
    }
    const pathAside = (digest: Digest) => join(place.dataFolder, 'store/damaged', digest.replace('sha256:', ''))
    await utimes(pathAside(old), LONG_AGO, LONG_AGO)

    const { rows } = await collect(false)

    expect(existsSync(pathAside(old))).toBe(false)
    expect(existsSync(pathAside(fresh))).toBe(true)
    expect(rows).toContainEqual(expect.objectContaining({ why: 'damaged, and set aside a month ago', removed: true }))
  })

  function pathOf(digest: Digest): string {
    const hex = digest.replace('sha256:', '')
    return join(place.dataFolder, 'store', 'sha256', hex.slice(0, 2), hex.slice(2))
  }

  /** The bundle and all that it names. */
  async function expectWhole(): Promise<void> {
    await using store = await openFolderStore(join(place.dataFolder, 'store'))
    const artifacts = openArtifacts(store)
    const manifest = JSON.parse((await artifacts.read(bundle as Digest)).toString()) as BundleManifest
    const folder = join(place.folder, `restored-${Date.now()}`)
    await artifacts.restore(manifest.files, folder)
    expect(await readdir(folder)).toEqual(['model.onnx'])
    expect((await artifacts.read(manifest.card!.digest)).toString()).toBe('# A card\n')
    await rm(folder, { recursive: true })
  }

  test('the next run of the same commit still finds its outputs in the cache', async () => {
    await age('store')
    await collect(false)
    await project.commit({ 'README.md': 'About it.\n' })

    await project.push(await place.person('ana'))

    const run = await project.run(2)
    expect(run.steps.find(({ key }) => key === 'train')).toMatchObject({ cache: 'hit', state: 'succeeded' })
  })

  test('workspaces, restored bundles and half backups go when their time is over and nobody uses them', async () => {
    const old = ['workspaces/gone/1/train/1', 'bundles/0123456789abcdef', 'backup-x1y2z3']
    const young = ['workspaces/gone/2/train/1', 'bundles/fedcba9876543210', 'backup-a1b2c3']
    for (const folder of [...old, ...young]) {
      await mkdir(join(place.dataFolder, folder), { recursive: true })
      await writeFile(join(place.dataFolder, folder, 'file'), 'x'.repeat(10))
    }
    for (const folder of old) await utimes(join(place.dataFolder, folder), LONG_AGO, LONG_AGO)
    const live = `bundles/${bundle.replace('sha256:', '')}`
    await utimes(join(place.dataFolder, live), LONG_AGO, LONG_AGO)

    const { rows } = await collect(false)

    for (const folder of old) expect(rows).toContainEqual(expect.objectContaining({ what: folder, bytes: 10 }))
    const isThere = (folder: string) => existsSync(join(place.dataFolder, folder))
    expect(old.map(isThere)).toEqual([false, false, false])
    expect([...young, live].map(isThere)).toEqual([true, true, true, true])
  })

  test('build environments that nobody uses go; that of a version stays, because it may be served again', async () => {
    const root = join(place.dataFolder, 'environments')
    await mkdir(join(root, 'nobodys', 'bin'), { recursive: true })
    for (const entry of await readdir(root, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue
      await utimes(join(root, entry.name), LONG_AGO, LONG_AGO)
      const marker = join(root, entry.name, 'tidegate-environment.json')
      if (existsSync(marker)) await utimes(marker, LONG_AGO, LONG_AGO)
    }

    const { rows } = await collect(false)

    const gone = rows.map(({ what }) => what).filter((what) => what.startsWith('environments/'))
    expect(gone).toEqual(['environments/nobodys'])
  })

  test('what a killed server left of a candidate, and beside a workspace, goes; what is kept is told with its bytes', async () => {
    const left = join(place.dataFolder, 'workspaces', 'served', '1', 'gone', '1')
    for (const beside of ['', '.home', '.tmp']) {
      await mkdir(`${left}${beside}`, { recursive: true })
      await utimes(`${left}${beside}`, LONG_AGO, LONG_AGO)
    }
    await writeFile(`${left}.env`, 'export A=1')
    const endpoint = {
      id: 'candidate-0123456789',
      project: 'served',
      runId: 'served#1',
      token: 'tge_x',
      model: 'served',
    }
    const folder = join(place.dataFolder, 'gateway', 'private')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, `${endpoint.id}.json`), JSON.stringify({ ...endpoint, bundle, manifest: {} }))

    const told = await collect(true)
    const done = await collect(false)

    const row = {
      what: 'endpoint candidate-0123456789 of served#1',
      why: 'its attempt has ended',
      bytes: 0,
      removed: true,
    }
    expect(told.rows).toContainEqual(row)
    expect(done.rows).toContainEqual(row)
    expect(existsSync(join(folder, `${endpoint.id}.json`))).toBe(false)
    for (const beside of ['', '.home', '.tmp', '.env']) expect(existsSync(`${left}${beside}`)).toBe(false)
    const kept = done.rows.find(({ what }) => what === 'attempts')
    expect(kept).toMatchObject({ why: 'kept: logs within their time and budget', removed: false })
    expect(kept?.bytes).toBeGreaterThan(0)
  })

  test('reports of candidates that were not registered go when their time is over, those of versions stay', async () => {
    await using database = await openDatabase(place.databaseUrl)
    const report: KeptReport = { html: `sha256:${'a'.repeat(64)}`, markdown: `sha256:${'b'.repeat(64)}` }
    const longAgo = LONG_AGO.getTime() - 60 * 24 * 3_600_000
    await database.write(async (writer) => {
      for (const runId of ['served#1', 'served#901', 'served#902'])
        await recordReport(writer, { runId, project: 'served' }, report)
      await writer
        .updateTable('reports')
        .set({ created_at: longAgo })
        .where('run_id', 'in', ['served#1', 'served#901'])
        .execute()
    })

    const told = await collect(true)
    const done = await collect(false)

    const row = { what: '1 report of candidates', removed: true }
    expect(told.rows).toContainEqual(expect.objectContaining(row))
    expect(done.rows).toContainEqual(expect.objectContaining(row))
    const left = await Promise.all(
      ['served#1', 'served#901', 'served#902'].map((runId) => findReport(database.read, runId)),
    )
    expect(left.map((found) => found !== undefined)).toEqual([true, false, true])
  })

  test('events of steps go when their time is over, and those of their run stay', async () => {
    await using database = await openDatabase(place.databaseUrl)
    const longAgo = LONG_AGO.getTime() - 60 * 24 * 3_600_000
    const kindsOf = async () =>
      (await readEvents(database.read, 0, 1_000, { subjectPrefix: 'served#1' })).map((event) => event.kind)
    const before = await kindsOf()
    await database.write((writer) => writer.updateTable('events').set({ at: longAgo }).execute())

    const told = await collect(true)
    const done = await collect(false)

    const row = { what: expect.stringMatching(/^\d+ events of steps and attempts$/), removed: true }
    expect(told.rows).toContainEqual(expect.objectContaining(row))
    expect(done.rows).toContainEqual(expect.objectContaining(row))
    expect(before).toEqual(expect.arrayContaining(['step.ended', 'attempt.ended', 'run.ended']))
    expect(await kindsOf()).toEqual(before.filter((each) => !/^(step|attempt)[.]/.test(each)))
  })

  test('over their budget the logs of the oldest attempts go first', async () => {
    const attempts = join(place.dataFolder, 'attempts', 'served', '9', 'step')
    for (const [name, age] of [
      ['1', 3],
      ['2', 2],
      ['3', 1],
    ] as const) {
      await mkdir(join(attempts, name), { recursive: true })
      await writeFile(join(attempts, name, 'log'), 'x'.repeat(1_000))
      const at = new Date(Date.now() + (10 - age) * 60_000)
      await utimes(join(attempts, name), at, at)
    }
    await using database = await openDatabase(place.databaseUrl)

    const needs = { database, dataFolder: place.dataFolder, keep: { logBytes: 2_500 } }
    const rows = await collectLogs(needs, Date.now(), true)

    const over = rows.filter(({ why }) => why === 'log over the budget of all logs').map(({ what }) => what)
    expect(over).toContain('attempts/served/9/step/1')
    expect(over).not.toContain('attempts/served/9/step/2')
    expect(over).not.toContain('attempts/served/9/step/3')
  })
})
