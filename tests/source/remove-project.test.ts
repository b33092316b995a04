import { existsSync } from 'node:fs'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { grantRole, listSecrets, setSecret } from '../../src/api/access.ts'
import { listDeployments } from '../../src/api/deployments.ts'
import { addProject, getProject, listProjects, removeProject } from '../../src/api/projects.ts'
import { cancelRun, getRun, listRuns, rerunRun, startRun } from '../../src/api/runs.ts'
import { collectGarbage, listEvents } from '../../src/api/system.ts'
import { bringLive, predict, servedProject } from '../cli/live-model.ts'
import { DATABASES } from '../harness/databases.ts'
import { openTestServer, projectAt, type TestServer } from '../harness/server.ts'
import { makeWork } from './git-place.ts'

const ONE_STEP = {
  'tidegate.yaml': 'on: { push: {}, schedule: [{ cron: "0 4 * * 1" }] }\nsteps: { say: { run: echo said } }\n',
}

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer

  beforeAll(async () => {
    place = await openTestServer(kind)
  })
  afterAll(() => place[Symbol.asyncDispose]())

  const remove = (project: string, stopServing: 'yes' | 'no' = 'no', confirm = project) =>
    place.admin.client.call(removeProject, { params: { project }, query: { confirm, stopServing } })
  const repositoryOf = (name: string) => join(place.dataFolder, 'repositories', `${name}.git`)

  test('a removed project takes no push and starts nothing; what it did stays, and adding it again takes that up', async () => {
    const { client } = place.admin
    const ana = await place.person('ana')
    const project = await place.project('gone', ONE_STEP)
    await project.push(ana)
    const params = { project: 'gone' }
    await client.call(setSecret, { params: { ...params, name: 'KEY' }, body: { value: 'a-long-secret' } })
    const cara = await place.person('cara', 'viewer')
    await client.call(grantRole, { body: { project: 'gone', subject: 'cara', role: 'developer' } })

    await remove('gone')

    expect((await client.call(listProjects, {})).projects.map(({ name }) => name)).not.toContain('gone')
    await project.commit({ 'more.txt': 'more\n' })
    const push = await project.push(ana)
    expect(push).toMatchObject({ code: 128, stderr: expect.stringContaining('There is no repository "gone"') })
    const missing = { code: 'NOT_FOUND', message: 'There is no project "gone".' }
    const number = { params: { ...params, number: 1 } }
    await expect(client.call(startRun, { params, body: {} })).rejects.toMatchObject(missing)
    await expect(client.call(rerunRun, { ...number, body: { failed: false } })).rejects.toMatchObject(missing)
    await expect(client.call(getProject, { params })).rejects.toMatchObject(missing)
    const never = { code: 'NOT_FOUND', message: 'There is no project "never".' }
    await expect(client.call(listRuns, { params: { project: 'never' }, query: {} })).rejects.toMatchObject(never)
    expect((await client.call(getRun, number)).state).toBe('succeeded')
    expect(await project.log(1, 'say')).toBe('said\n')
    const { events } = await client.call(listEvents, { query: params })
    expect(events.at(-1)).toMatchObject({ kind: 'project.removed', subject: 'gone', data: { by: 'admin' } })

    await client.call(addProject, { body: { name: 'gone' } })
    const again = await client.call(getProject, { params })
    expect(again.schedules).toEqual([])
    expect((await client.call(listSecrets, { params })).secrets).toEqual([])
    await expect(cara.client.call(startRun, { params, body: {} })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect((await project.push(ana)).code).toBe(0)
    expect((await project.runs()).map(({ id }) => id)).toEqual(['gone#2', 'gone#1'])
  })

  test('it asks for the name, for an administrator, and for runs to have ended', async () => {
    const maintainer = await place.person('max', 'maintainer')
    const project = await place.project('busy', { 'tidegate.yaml': 'steps: { wait: { run: sleep 600 } }\n' })
    await project.push(maintainer, '--push-option=detach')
    const query = { confirm: 'busy' } as const
    const run = await firstRun(() => project.runs())

    await expect(remove('busy', 'no', 'busi')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    const forbidden = maintainer.client.call(removeProject, { params: { project: 'busy' }, query })
    await expect(forbidden).rejects.toMatchObject({ code: 'FORBIDDEN' })
    const refused = { code: 'STATE_CONFLICT', message: expect.stringMatching(/^busy#1 of busy have not ended/) }
    await expect(remove('busy')).rejects.toMatchObject(refused)
    await expect(remove('nobodys')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await maintainer.client.call(cancelRun, { params: { project: 'busy', number: run.number }, body: {} })
    await project.ended(run.number)

    expect(await remove('busy')).toEqual({ done: true })
  })

  test('what serves goes only when that is said', async () => {
    const ana = await place.person('ana')
    const lead = await place.person('lead', 'approver')
    const project = await place.project('served', servedProject)
    await project.push(ana)
    await bringLive(project, lead)

    const refused = { code: 'STATE_CONFLICT', message: expect.stringContaining('served@1 in production') }
    await expect(remove('served')).rejects.toMatchObject(refused)
    expect(await predict(place.server.gatewayAddress, 'served')).toMatchObject({ status: 200 })
    await remove('served', 'yes')

    expect(await predict(place.server.gatewayAddress, 'served')).toMatchObject({ status: 404 })
    const listed = await place.admin.client.call(listDeployments, { params: { project: 'served' }, query: {} })
    expect(listed.deployments).toMatchObject([{ state: 'replaced', reason: 'admin removed the project', weight: 0 }])
  })

  test('a project moves to another repository by being added there, and its numbers go on', async () => {
    const { client } = place.admin
    const ana = await place.person('ana')
    const project = await place.project('moves', ONE_STEP)
    await project.push(ana)
    await client.call(addProject, { body: { name: 'whole', path: 'a' } })
    await remove('moves')
    await client.call(addProject, { body: { name: 'moves', repository: 'whole', path: 'models/moves' } })
    const files = Object.entries(ONE_STEP).map(([path, text]) => [`models/moves/${path}`, text])
    const work = await makeWork(place.folder, 'whole', Object.fromEntries(files) as Record<string, string>)
    const whole = projectAt({ address: place.server.address, admin: place.admin, name: 'whole', work })

    expect((await whole.push(ana)).code).toBe(0)

    const runs = (await project.runs()).map(({ id, state }) => [id, state])
    expect(runs).toEqual([
      ['moves#2', 'succeeded'],
      ['moves#1', 'succeeded'],
    ])
  })

  test('of a repository with several the one it is named by goes last, and its commits a month later', async () => {
    const { client } = place.admin
    await client.call(addProject, { body: { name: 'kept' } })
    await client.call(addProject, { body: { name: 'mono', path: 'a' } })
    await client.call(addProject, { body: { name: 'beside', repository: 'mono', path: 'b' } })
    const collect = () => client.call(collectGarbage, { body: {} })

    await expect(remove('mono')).rejects.toMatchObject({ message: expect.stringContaining('beside is in it too') })
    await remove('beside')
    await remove('mono')
    await collect()
    const young = existsSync(repositoryOf('mono'))
    const longAgo = new Date(Date.now() - 31 * 24 * 3_600_000)
    for (const name of ['mono', 'kept']) await utimes(repositoryOf(name), longAgo, longAgo)
    const { rows } = await collect()

    expect(young).toBe(true)
    expect(rows).toContainEqual(expect.objectContaining({ what: 'repositories/mono.git', removed: true }))
    expect([existsSync(repositoryOf('mono')), existsSync(repositoryOf('kept'))]).toEqual([false, true])
  })
})

async function firstRun(runs: () => Promise<{ number: number }[]>): Promise<{ number: number }> {
  for (;;) {
    const [run] = await runs()
    if (run !== undefined) return run
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
