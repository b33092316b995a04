import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateSecretsKey, setSecret } from '../../src/api/access.ts'
import { startRun } from '../../src/api/runs.ts'
import { listVersions } from '../../src/api/versions.ts'
import { startServer } from '../../src/app.ts'
import { isAppError } from '../../src/core/errors.ts'
import { listenAtPoints, type Point } from '../../src/core/points.ts'
import { backUp, type BackupNote } from '../../src/flow/back-up.ts'
import { restore } from '../../src/flow/restore.ts'
import { openMonorepo } from '../harness/monorepo.ts'
import {
  ON_LOOPBACK,
  openTestServer,
  peopleOf,
  projectAt,
  type TestProject,
  type TestServer,
} from '../harness/server.ts'
import { git } from './command.ts'
import { bringLive, predict, servedProject } from './live-model.ts'

let place: TestServer
let project: TestProject
let bundle: string

beforeAll(async () => {
  place = await openTestServer('sqlite')
  const lead = await place.person('lead', 'approver')
  project = await place.project('served', servedProject)
  await project.push(await place.person('ana'))
  bundle = (await bringLive(project, lead)).bundle
})
afterAll(() => place[Symbol.asyncDispose]())

/** Does something when the point is reached, before it goes on. */
function listenOnce<T>(point: Point, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    listenAtPoints(async (reached) => {
      if (reached !== point) return
      listenAtPoints(() => undefined)
      await work().then(resolve, reject)
    })
  })
}

const save = (name: string) =>
  backUp({ dataFolder: place.dataFolder, databaseUrl: place.databaseUrl, file: join(place.folder, name) })

/** A server on a restored folder, with the administrator's old token. */
async function startRestored(file: string, folder: string) {
  const dataFolder = join(place.folder, folder)
  await restore({ file: join(place.folder, file), dataFolder })
  const server = await startServer({
    dataFolder,
    databaseUrl: `sqlite:${join(dataFolder, 'state.db')}`,
    ...ON_LOOPBACK,
  })
  const token = (await readFile(join(dataFolder, 'admin-token'), 'utf8')).trim()
  const { admin } = peopleOf(server.address, place.folder, token)
  return { server, admin, project: projectAt({ address: server.address, admin, name: 'served', work: project.work }) }
}

async function untilPredicts(gatewayAddress: string) {
  for (;;) {
    const answer = await predict(gatewayAddress, 'served')
    if (answer.status === 200) return answer
    await sleep(50)
  }
}

test('a backup during which the key of secrets is replaced is refused, because it would not open them', async () => {
  const secret = { params: { project: 'served', name: 'LAKE' }, body: { value: 'sesame' } }
  await place.admin.client.call(setSecret, secret)
  const listening = listenOnce('database saved', () => place.admin.client.call(rotateSecretsKey, {}))

  await expect(save('torn.tar')).rejects.toMatchObject({ code: 'STATE_CONFLICT' })

  await expect(listening).resolves.toEqual({ secrets: 1 })
  await expect(save('whole.tar')).resolves.toMatchObject({ bytes: expect.any(Number) as number })
})

test('a backup made while pushes and predictions go on is an installation with the same runs and bundles', async () => {
  const ana = await place.person('ana')
  const busy = new AbortController()
  const pushing = keepPushing(busy.signal, ana)
  const predicting = keepPredicting(busy.signal)
  await sleep(300)

  const { bytes } = await save('busy.tar')
  busy.abort()
  await Promise.all([pushing, predicting])
  const restored = await startRestored('busy.tar', 'restored')

  expect(bytes).toBeGreaterThan(10_000)
  expect(await restored.project.run(1)).toMatchObject({ state: 'succeeded', commit: (await project.run(1)).commit })
  const { versions } = await restored.admin.client.call(listVersions, { params: { project: 'served' } })
  expect(versions.map((version) => version.bundle)).toContain(bundle)
  const answer = await untilPredicts(restored.server.gatewayAddress)
  expect(answer).toEqual(await predict(place.server.gatewayAddress, 'served'))
  await git(place.folder, 'clone', '--quiet', restored.project.url(restored.admin), 'cloned')
  for (const run of await restored.project.runs()) {
    expect(await git(join(place.folder, 'cloned'), 'cat-file', '-t', run.commit)).toBe('commit\n')
    expect((await restored.project.ended(run.number)).state).toBe('succeeded')
  }
  await restored.server.stopGateway()
  await restored.server[Symbol.asyncDispose]()
})

async function keepPushing(signal: AbortSignal, person: Awaited<ReturnType<TestServer['person']>>): Promise<void> {
  for (let count = 0; !signal.aborted; count += 1) {
    await project.commit({ 'README.md': `Take ${count}.\n` })
    await project.push(person, '--push-option=detach')
  }
}

async function keepPredicting(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await predict(place.server.gatewayAddress, 'served')
}

test('a repository of two projects is restored as the rows of the backup know it, for both', async () => {
  const ana = await place.person('ana')
  const { fraud, churn } = await openMonorepo(place, 'shop')
  await fraud.push(ana)
  const known = await git(fraud.work, 'rev-parse', 'HEAD')
  await fraud.commit({ 'models/churn/data.txt': 'later\n' })
  const listening = listenOnce('database saved', () => fraud.push(ana, '--push-option=detach'))

  await save('shared.tar')
  await listening
  const restored = await startRestored('shared.tar', 'restored-shared')

  const { address } = restored.server
  const at = (name: string) => projectAt({ address, admin: restored.admin, name, work: fraud.work, repository: 'shop' })
  const main = await git(place.folder, 'ls-remote', at('shop').url(restored.admin), 'refs/heads/main')
  expect(main.split('\t')[0]).toBe(known.trim())
  await restored.admin.client.call(startRun, { params: { project: churn.name }, body: {} })
  expect(await at(churn.name).ended(2)).toMatchObject({ commit: known.trim(), state: 'succeeded' })
  await restored.server.stopGateway()
  await restored.server[Symbol.asyncDispose]()
})

test('a backup does not overwrite, and is not restored over something', async () => {
  await save('once.tar')
  const full = join(place.folder, 'full')
  await mkdir(full)
  await writeFile(join(full, 'mine.txt'), 'keep')

  await expect(save('once.tar')).rejects.toThrow('is there already')
  await expect(restore({ file: join(place.folder, 'once.tar'), dataFolder: full })).rejects.toThrow('is not empty')
  expect(await readFile(join(full, 'mine.txt'), 'utf8')).toBe('keep')
})

test('a backup of a newer schema is refused by both versions, and nothing is left in the folder', async () => {
  await save('newer.tar')
  await changeNote('newer.tar', { schema: 999, tidegate: '9.0.0' })

  const refused = restore({ file: join(place.folder, 'newer.tar'), dataFolder: join(place.folder, 'never') })

  await expect(refused).rejects.toSatisfy((error) => isAppError(error, 'NEWER_SCHEMA'))
  await expect(refused).rejects.toThrow(/Tidegate 9\.0\.0 with schema 999; this Tidegate knows schemas up to \d/)
})

/** As a newer Tidegate would have written it. */
async function changeNote(file: string, changes: Partial<BackupNote>): Promise<void> {
  const run = promisify(execFile)
  const folder = join(place.folder, `${file}-changed`)
  await mkdir(folder)
  await run('tar', ['-xf', join(place.folder, file), '-C', folder])
  const note = JSON.parse(await readFile(join(folder, 'backup.json'), 'utf8')) as BackupNote
  await writeFile(join(folder, 'backup.json'), JSON.stringify({ ...note, ...changes }))
  await run('tar', ['-cf', join(place.folder, file), '-C', folder, 'backup.json'])
}

test('what is no backup is said to be none', async () => {
  await writeFile(join(place.folder, 'text.tar'), 'not a tar')

  const refused = restore({ file: join(place.folder, 'text.tar'), dataFolder: join(place.folder, 'never') })

  await expect(refused).rejects.toThrow('is no backup')
})

test('an installation on Postgres is told to use pg_dump', async () => {
  const request = {
    dataFolder: place.dataFolder,
    databaseUrl: 'postgres://db/tidegate',
    file: join(place.folder, 'pg.tar'),
  }

  await expect(backUp(request)).rejects.toThrow('pg_dump')
})
