import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addPerson } from '../../src/api/access.ts'
import { addProject } from '../../src/api/projects.ts'
import { getRun, listRuns, startRun, type Run } from '../../src/api/runs.ts'
import { startServer, type Server } from '../../src/app.ts'
import { createClient, type Client } from '../../src/client/client.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { createTestDatabase, DATABASES } from '../harness/databases.ts'
import { ON_LOOPBACK } from '../harness/server.ts'
import { commitFiles, git, makeWork, runClient, temporaryFolder } from '../source/git-place.ts'

const TAGGED = `on: { push: { branches: ["**"], tags: ["v*"] } }
concurrency: { group: "\${{ branch }}", policy: cancel-running }
model: { path: model.onnx }
steps: { train: { if: branch == 'none', run: train, outs: [model.onnx] } }
gates: [{ check: unsafe-pickle, allow: [sklearn] }]
environments: { production: { approval: { reviewers: [ana], required: 1 } } }
`

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
      ...ON_LOOPBACK,
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

  test('a tag is a run of the default branch only where that has its commit, and else of no branch', async () => {
    const { work, url } = await prepare('tagged', { 'tidegate.yaml': TAGGED })
    await git(work, 'tag', '--annotate', '--message', 'one', 'v1')
    await git(work, 'push', '--quiet', '-o', 'detach', url, 'main')
    await git(work, 'push', '--quiet', '-o', 'detach', url, 'v1')
    await git(work, 'checkout', '--quiet', '-b', 'feat2')
    await commitFiles(work, { 'tidegate.yaml': `${TAGGED}# other\n` }, 'second')
    await git(work, 'tag', 'v2')

    await git(work, 'push', '--quiet', '-o', 'detach', url, 'v2')

    const [v2, v1] = await runsOf('tagged')
    expect(v1).toMatchObject({ branch: 'main', tag: 'v1', commit: await git(work, 'rev-parse', 'main') })
    expect(v2).toMatchObject({ branch: '', tag: 'v2' })
    expect(v2?.stages[0]?.summary).toContain('on tag v2 by ana')
    const steps = await Promise.all([v1, v2].map(async (run) => stepKeys(run!)))
    expect(steps.map((keys) => keys.includes('registration'))).toEqual([true, false])
    expect(await rowOf('tagged', 'v2')).toMatchObject({ concurrency_group: null })
  })

  test('a tag of a file or a folder starts nothing, and holds up nobody', async () => {
    const steps = "steps: { train: { if: branch == 'none', run: train } }\n"
    const { work, url } = await prepare('objects', {
      'tidegate.yaml': `on: { push: { branches: ["**"], tags: ["**"] } }\n${steps}`,
    })
    const other = await prepare('bystander', { 'tidegate.yaml': steps })
    await runClient(work, ['push', url, 'main'])
    await git(work, 'tag', 'key', 'HEAD:tidegate.yaml')
    await git(work, 'tag', 'folder', 'HEAD^{tree}')
    await git(work, 'tag', '-a', '-m', 'of a file', 'signed', 'key')

    const tags = await runClient(work, ['push', url, 'key', 'folder', 'signed'])
    await runClient(other.work, ['push', other.url, 'main'])

    expect(tags.stderr).toContain('remote: tidegate: nothing to run for refs/tags/key: it stands for no commit.')
    expect(tags.stderr).toContain('remote: tidegate: nothing to run for refs/tags/folder: it stands for no commit.')
    expect(tags.stderr).toContain('remote: tidegate: nothing to run for refs/tags/signed: it stands for no commit.')
    expect((await runsOf('objects')).map(({ number }) => number)).toEqual([1])
    expect(await runsOf('bystander')).toHaveLength(1)
  })

  test('the rules of a tag are those of the default branch, whatever stands at the tag', async () => {
    const { work, url } = await prepare('loose', { 'tidegate.yaml': TAGGED })
    await git(work, 'push', '--quiet', '-o', 'detach', url, 'main')
    await commitFiles(work, { 'tidegate.yaml': TAGGED.replace('[sklearn]', '[sklearn, os]') }, 'loosened')
    await git(work, 'tag', 'v1')

    await git(work, 'push', '--quiet', '-o', 'detach', url, 'v1')

    const { rules } = await rowOf('loose', 'v1')
    expect(JSON.parse(rules)).toMatchObject({ from: 'default-branch', gates: [{ allow: ['sklearn'] }] })
  })

  test('a run that is started knows the branch or the tag that was meant', async () => {
    const { work, url } = await prepare('meant', { 'tidegate.yaml': TAGGED })
    await git(work, 'tag', 'v1')
    const first = await git(work, 'rev-parse', 'HEAD')
    await git(work, 'checkout', '--quiet', '-b', 'feat2')
    const second = await commitFiles(work, { 'train.py': 'print(2)\n' }, 'second')
    await git(work, 'tag', 'v2')
    await git(work, 'push', '--quiet', '-o', 'detach', url, 'main', 'v1', 'v2', 'feat2', 'v2:refs/tags/main')
    const start = async (ref?: string) => {
      const body = { refreshData: false, ...(ref === undefined ? {} : { ref }) }
      const { commit, branch, tag } = await admin.call(startRun, { params: { project: 'meant' }, body })
      return { commit, branch, tag }
    }

    expect(await start()).toEqual({ commit: first, branch: 'main', tag: null })
    expect(await start('feat2')).toEqual({ commit: second, branch: 'feat2', tag: null })
    expect(await start('refs/heads/feat2')).toEqual({ commit: second, branch: 'feat2', tag: null })
    expect(await start('v1')).toEqual({ commit: first, branch: 'main', tag: 'v1' })
    expect(await start('refs/tags/v2')).toEqual({ commit: second, branch: '', tag: 'v2' })
    expect(await start('feat2~1')).toEqual({ commit: first, branch: 'main', tag: null })
    expect(await start(second)).toEqual({ commit: second, branch: '', tag: null })
  })

  async function rowOf(project: string, tag: string) {
    await using database = await openDatabase(place.url)
    const runs = database.read.selectFrom('runs').select(['rules', 'concurrency_group'])
    return await runs.where('project', '=', project).where('tag', '=', tag).executeTakeFirstOrThrow()
  }

  async function stepKeys({ project, number }: Run): Promise<string[]> {
    return (await admin.call(getRun, { params: { project, number } })).steps.map(({ key }) => key)
  }

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
