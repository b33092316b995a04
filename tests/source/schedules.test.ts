import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { setSecret } from '../../src/api/access.ts'
import { getProject, lintProject } from '../../src/api/projects.ts'
import { openArtifacts } from '../../src/artifacts/open-artifacts.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { createRun } from '../../src/engine/create-run.ts'
import { listRuns } from '../../src/engine/runs.sql.ts'
import { rulesOfRun } from '../../src/flow/run-rules.ts'
import { planCommit } from '../../src/flow/plan-commit.ts'
import { readSchedules, runDueSchedules, runSchedules, type ScheduleNeeds } from '../../src/flow/schedule-to-run.ts'
import { createProject } from '../../src/source/projects.ts'
import { repositoryFolder } from '../../src/source/repositories.ts'
import { insertSchedule, schedulesOf } from '../../src/source/schedules.sql.ts'
import { DATABASES, openTestDatabase, type TestDatabase } from '../harness/databases.ts'
import { openTestServer } from '../harness/server.ts'
import { commitFiles, git, makeWork, temporaryFolder } from './git-place.ts'

const NIGHTLY = file('{ cron: "0 4 * * *", timezone: Europe/Paris }')
const NOON = Date.parse('2026-11-23T12:00:00Z')
const FOUR_IN_PARIS = Date.parse('2026-11-24T03:00:00Z')
const DAY_MS = 86_400_000

function file(schedule: string, rest = ''): string {
  return `on: { schedule: [${schedule}] }\nsteps: { train: { run: "true" } }\n${rest}`
}

describe.each(DATABASES)('on %s', (kind) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let place: TestDatabase
  let needs: ScheduleNeeds
  const errors: string[] = []

  beforeAll(async () => {
    folder = await temporaryFolder()
    place = await openTestDatabase(kind)
    const store = await openFolderStore(join(folder.path, 'store'))
    needs = {
      database: place.database,
      dataFolder: join(folder.path, 'data'),
      store,
      artifacts: openArtifacts(store),
      engine: { createRun: (writer, run) => createRun(writer, kind, run) },
      log: {
        info: () => undefined,
        warn: () => undefined,
        error: (facts, event) => void errors.push(`${event} ${JSON.stringify(facts)}`),
      },
    }
  })

  afterAll(async () => {
    await place[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  /** A project whose default branch holds this file, and what commits another one to a branch of it. */
  async function project(
    name: string,
    text: string,
  ): Promise<(text: string | Uint8Array, branch?: string) => Promise<void>> {
    await createProject(place.database, needs.dataFolder, { name }, 'ana')
    const work = await makeWork(folder.path, name, { 'tidegate.yaml': text })
    const repository = repositoryFolder(needs.dataFolder, { repository: name })
    const push = (branch: string) => git(work, 'push', '-q', '-f', repository, `HEAD:refs/heads/${branch}`)
    await push('main')
    await readSchedules(needs, name, NOON)
    return async (changed, branch = 'main') => {
      await commitFiles(work, { 'tidegate.yaml': changed }, 'change')
      await push(branch)
    }
  }

  const runsOf = (name: string) => listRuns(place.database.read, { project: name, limit: 100 })

  test('a schedule starts one run when it comes due, with its datasets frozen anew', async () => {
    await project('nightly', NIGHTLY)

    await runDueSchedules(needs, FOUR_IN_PARIS - 1)
    expect(await runsOf('nightly')).toEqual([])
    await runDueSchedules(needs, FOUR_IN_PARIS)
    await runDueSchedules(needs, FOUR_IN_PARIS + 60_000)

    const [run, ...more] = await runsOf('nightly')
    expect(more).toEqual([])
    expect(run).toMatchObject({ event: 'schedule', branch: 'main', state: 'queued', person: 'tidegate', authors: '[]' })
    expect(rulesOfRun(run!)?.refreshData).toBe(true)
    expect(await schedulesOf(place.database.read, 'nightly')).toEqual([
      {
        project: 'nightly',
        cron: '0 4 * * *',
        timezone: 'Europe/Paris',
        next_at: FOUR_IN_PARIS + DAY_MS,
        last_at: FOUR_IN_PARIS,
        last_run: 'nightly#1',
      },
    ])
  })

  test('however many times were missed, one run catches up', async () => {
    await project('missed', NIGHTLY)

    await runDueSchedules(needs, FOUR_IN_PARIS + 30 * DAY_MS + 5)
    await runDueSchedules(needs, FOUR_IN_PARIS + 30 * DAY_MS + 6)

    expect(await runsOf('missed')).toHaveLength(1)
    const [row] = await schedulesOf(place.database.read, 'missed')
    expect(row?.next_at).toBe(FOUR_IN_PARIS + 31 * DAY_MS)
  })

  test('two that look at the same time make one run', async () => {
    await project('twice', NIGHTLY)

    await Promise.all([1, 2, 3].map(() => runDueSchedules(needs, FOUR_IN_PARIS)))

    expect(await runsOf('twice')).toHaveLength(1)
  })

  test('only the file at the head of the default branch counts, also where nobody has read it yet', async () => {
    const commit = await project('moved', NIGHTLY)

    await commit(file('{ cron: "*/5 * * * *" }'), 'feature')
    await readSchedules(needs, 'moved', NOON)
    expect(await schedulesOf(place.database.read, 'moved')).toMatchObject([{ cron: '0 4 * * *' }])
    await commit('steps: { train: { run: "true" } }\n')
    await runDueSchedules(needs, FOUR_IN_PARIS)

    expect(await runsOf('moved')).toEqual([])
    expect(await schedulesOf(place.database.read, 'moved')).toEqual([])
  })

  test('a schedule that stays in a changed file keeps its time, and a file with problems has none', async () => {
    const commit = await project('kept', NIGHTLY)
    const [before] = await schedulesOf(place.database.read, 'kept')

    await commit(file('{ cron: "0 4 * * *", timezone: Europe/Paris }, { cron: "30 5 * * 0" }', 'name: kept\n'))
    await readSchedules(needs, 'kept', FOUR_IN_PARIS + 1)
    const rows = await schedulesOf(place.database.read, 'kept')
    expect(rows).toMatchObject([before!, { cron: '30 5 * * 0', timezone: 'UTC' }])

    await commit(file('{ cron: "0 4 * * *" }', 'stepz: {}\n'))
    await readSchedules(needs, 'kept', FOUR_IN_PARIS + 2)
    expect(await schedulesOf(place.database.read, 'kept')).toEqual([])
  })

  test('a file that is no text has no schedules, and is an invalid run when it is planned', async () => {
    const commit = await project('binary', NIGHTLY)

    await commit(Uint8Array.from([0xff, 0xfe, 0x00]))
    await readSchedules(needs, 'binary', NOON)

    expect(await schedulesOf(place.database.read, 'binary')).toEqual([])
    const head = await git(repositoryFolder(needs.dataFolder, { repository: 'binary' }), 'rev-parse', 'main')
    const pushed = { project: 'binary', branch: 'main', event: 'push', person: 'ana', dedupeKey: 'b' } as const
    const run = await planCommit(needs, { ...pushed, commit: head.trim() })
    expect(run?.problems).toMatchObject([{ message: 'tidegate.yaml is not UTF-8 text. Save it as UTF-8.', line: 1 }])
    expect(run?.plan).toBeUndefined()
  })

  test('a schedule that has no time to come is ended, and keeps nobody awake', async () => {
    await createProject(place.database, needs.dataFolder, { name: 'never' }, 'ana')
    const row = { project: 'never', cron: '0 0 31 2 *', timezone: 'UTC', next_at: NOON, last_at: null, last_run: null }
    await place.database.write((writer) => insertSchedule(writer, row))
    const stopping = new AbortController()
    let looks = 0
    const clock = () => {
      looks += 1
      return NOON
    }

    const loop = runSchedules(needs, stopping.signal, clock).catch(() => 'stopped')
    await sleep(500)
    stopping.abort()

    expect(await loop).toBe('stopped')
    expect(looks).toBeLessThan(20)
    expect(await schedulesOf(place.database.read, 'never')).toEqual([])
    expect(await runsOf('never')).toEqual([])
  })

  test('the clock that is handed in decides, and what cannot be planned holds nobody else up', async () => {
    await project('broken', NIGHTLY)
    await project('sound', NIGHTLY)
    const repository = repositoryFolder(needs.dataFolder, { repository: 'broken' })
    await rename(repository, `${repository}.away`)
    const stopping = new AbortController()
    const loop = runSchedules(needs, stopping.signal, () => FOUR_IN_PARIS + 1).catch(() => 'stopped')

    while ((await runsOf('sound')).length === 0) await sleep(20)
    stopping.abort()

    expect(await loop).toBe('stopped')
    expect(await runsOf('broken')).toEqual([])
    expect(errors.join()).toContain('a schedule could not be followed')
    expect(await schedulesOf(place.database.read, 'broken')).toMatchObject([{ next_at: FOUR_IN_PARIS }])
  })
})

test('a pushed schedule is shown with its next time, and a file can be checked without pushing it', async () => {
  await using server = await openTestServer('data-folder')
  const ana = await server.person('ana', 'developer')
  const project = await server.project('clock', {
    'tidegate.yaml':
      'on: { push: { branches: [other] }, schedule: [{ cron: "0 4 1 1 *" }] }\nsteps: { train: { run: "true" } }\n',
  })

  await project.push(ana)

  const shown = () => ana.client.call(getProject, { params: { project: 'clock' } })
  while ((await shown()).schedules.length === 0) await sleep(20)
  const [schedule] = (await shown()).schedules
  expect(schedule).toMatchObject({ cron: '0 4 1 1 *', timezone: 'UTC', lastAt: null, lastRun: null })
  expect(new Date(schedule!.nextAt).toISOString()).toMatch(/-01-01T04:00:00/)

  const text = 'steps:\n  train: { run: python trian.py, deps: [trian.py] }\n'
  const lint = (body: { text: string; ref?: string }) =>
    ana.client.call(lintProject, { params: { project: 'clock' }, body })
  expect((await lint({ text })).problems.map(({ line, column, message }) => [line, column, message])).toEqual([
    [2, 41, '"trian.py" is neither in the commit nor an out of a step'],
  ])
  expect((await lint({ text: 'steps: { a: { cmd: x } }' })).problems).toHaveLength(2)
  await server.admin.client.call(setSecret, {
    params: { project: 'clock', name: 'LAKE_KEY' },
    body: { value: 'sesame' },
  })
  const secrets = 'steps: { a: { stage: unit-tests, run: x, secrets: [LAKE_KEY, LAKE_KEI, OTHER] } }'
  expect((await lint({ text: secrets })).problems.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
    'warning: the project has no secret "LAKE_KEI": did you mean "LAKE_KEY"?',
    'warning: the project has no secret "OTHER": set it with `tidegate secret set clock OTHER`',
  ])
  await expect(lint({ text, ref: 'nowhere' })).rejects.toThrow('has no branch, tag or commit "nowhere"')
})
