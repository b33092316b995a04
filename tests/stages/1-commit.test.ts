import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addPerson } from '../../src/api/access.ts'
import { addProject } from '../../src/api/projects.ts'
import { listRuns } from '../../src/api/runs.ts'
import { startServer, type Server } from '../../src/app.ts'
import { createClient, type Client } from '../../src/client/client.ts'
import { createTestDatabase, DATABASES } from '../harness/databases.ts'
import { commitFiles, git, makeWork, runClient, temporaryFolder } from '../source/git-place.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let place: Awaited<ReturnType<typeof createTestDatabase>>
  let server: Server
  let admin: Client
  let ana: string

  beforeAll(async () => {
    folder = await temporaryFolder()
    place = await createTestDatabase(kind)
    const dataFolder = join(folder.path, 'data')
    server = await startServer({
      dataFolder,
      databaseUrl: place.url,
      host: '127.0.0.1',
      port: 0,
      gatewayPort: 0,
      publicUrl: undefined,
      firstUser: 200_000,
      cpus: undefined,
    })
    const token = (await readFile(server.adminTokenFile!, 'utf8')).trim()
    admin = createClient({ url: server.address, token })
    ana = (await admin.call(addPerson, { body: { name: 'ana', role: 'developer' } })).token
  })

  afterAll(async () => {
    await server.stopGateway()
    await server[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  /** A project, a repository with `files` beside it, and where ana pushes it to. */
  async function prepare(project: string, files: Record<string, string>): Promise<{ work: string; url: string }> {
    await admin.call(addProject, { body: { name: project } })
    const work = await makeWork(folder.path, project, files)
    const url = new URL(`/${project}.git`, server.address)
    url.username = 'ana'
    url.password = ana
    return { work, url: url.href }
  }

  async function runsOf(project: string) {
    return (await admin.call(listRuns, { params: { project }, query: {} })).runs
  }

  test('a push without a pipeline file succeeds, and says how to start', async () => {
    const { work, url } = await prepare('no-file', { 'train.py': '' })

    const outcome = await runClient(work, ['push', url, 'main'])

    expect(outcome.code).toBe(0)
    expect(outcome.stderr).toMatch(/remote: .*there is no tidegate\.yaml in this commit.*tidegate init/)
    expect(await runsOf('no-file')).toMatchObject([{ number: 1, state: 'invalid', person: 'ana' }])
  })

  test('a push of a broken pipeline file succeeds, and the pusher sees where it is broken and the fix', async () => {
    const { work, url } = await prepare('broken', { 'tidegate.yaml': 'steps:\n  train: { rum: python train.py }\n' })

    const outcome = await runClient(work, ['push', url, 'main'])

    expect(outcome.code).toBe(0)
    expect(outcome.stderr).toMatch(/remote: .*tidegate\.yaml:2:\d+.*rum/)
    expect(outcome.stderr).toContain('run')
    const [run] = await runsOf('broken')
    expect(run).toMatchObject({ state: 'invalid', commit: await git(work, 'rev-parse', 'HEAD') })
  })

  test('a commit whose files cannot all be taken makes an invalid run, which says why', async () => {
    const { work, url } = await prepare('submodule', { 'tidegate.yaml': 'steps: { train: { run: "true" } }\n' })
    const head = await git(work, 'rev-parse', 'HEAD')
    await git(work, 'update-index', '--add', '--cacheinfo', `160000,${head},vendor/lib`)
    await git(work, 'commit', '--quiet', '--message', 'a submodule')

    const outcome = await runClient(work, ['push', url, 'main'])

    expect(outcome.code).toBe(0)
    expect(outcome.stderr).toMatch(/remote: tidegate\.yaml:1:1.*vendor\/lib is a submodule/)
    expect(await runsOf('submodule')).toMatchObject([{ number: 1, state: 'invalid' }])
  })

  test('each pushed commit becomes one run of the person whose token it was, whoever committed', async () => {
    const { work, url } = await prepare('each', { 'train.py': '' })

    await git(work, 'push', '--quiet', url, 'main')
    const second = await commitFiles(work, { 'train.py': 'print(2)\n' }, 'second')
    await git(work, 'push', '--quiet', url, 'main')
    await git(work, 'push', '--quiet', url, 'main')

    const runs = await runsOf('each')
    expect(runs.map((run) => run.number)).toEqual([2, 1])
    expect(runs[0]).toMatchObject({ commit: second, title: 'second', person: 'ana', event: 'push', branch: 'main' })
  })

  test('a branch named like a command becomes a run of that branch', async () => {
    const { work, url } = await prepare('hostile', { 'train.py': '' })
    const branch = '$(touch${IFS}x)'
    await git(work, 'branch', branch)

    const outcome = await runClient(work, ['push', url, branch])

    expect(outcome.code).toBe(0)
    expect((await runsOf('hostile')).map((run) => run.branch)).toEqual([branch])
  })

  test('a token that is wrong or lacks the right pushes nothing', async () => {
    const { work } = await prepare('guarded', { 'train.py': '' })
    const viewer = await admin.call(addPerson, { body: { name: 'vic', role: 'viewer' } })
    const at = (token: string) => `http://x:${token}@${new URL(server.address).host}/guarded.git`

    const wrong = await runClient(work, ['push', at('tg_wrong'), 'main'])
    const viewing = await runClient(work, ['push', at(viewer.token), 'main'])

    expect(wrong.code).not.toBe(0)
    expect(viewing.code).not.toBe(0)
    expect(viewing.stderr).toContain('vic needs the role developer in project "guarded"')
    expect(await runsOf('guarded')).toEqual([])
  })
})
