import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addPerson, grantRole } from '../../src/api/access.ts'
import { addProject, getProject, listProjects } from '../../src/api/projects.ts'
import { startRun } from '../../src/api/runs.ts'
import { listEvents } from '../../src/api/system.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { getRun } from '../../src/engine/runs.sql.ts'
import type { Role } from '../../src/core/roles.ts'
import { DATABASES } from '../harness/databases.ts'
import { openMonorepo, stepOf } from '../harness/monorepo.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'
import { git, runClient } from './git-place.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer
  let ana: TestPerson

  beforeAll(async () => {
    place = await openTestServer(kind)
    ana = await place.person('ana')
  })
  afterAll(() => place[Symbol.asyncDispose]())

  test('one push makes one run of each project, and its lines say which is whose', async () => {
    const { fraud, churn } = await openMonorepo(place, 'both')

    const outcome = await fraud.push(ana)

    expect(outcome.stderr).toMatch(/remote: tidegate: both#1 +http\S+\/both\/runs\/1/)
    expect(outcome.stderr).toMatch(/remote: tidegate: both-churn#1 +http\S+\/both-churn\/runs\/1/)
    expect(outcome.stderr).toMatch(/remote: both#1 +2 Automated build +train +succeeded/)
    expect(outcome.stderr).toMatch(/remote: both-churn#1 +2 Automated build +train +succeeded/)
    expect(outcome.stderr).toMatch(/remote: both-churn#1 {2}tidegate: both-churn#1 succeeded/)
    expect(await fraud.log(1, 'train')).toBe('f1\nfraud trained\n')
    expect(await churn.log(1, 'train')).toBe('c1\nchurn trained\n')
    const { events } = await place.admin.client.call(listEvents, { query: { project: 'both-churn' } })
    expect(events.filter(({ kind }) => kind === 'push.received')).toHaveLength(1)
  })

  test('a push runs the projects whose folders it changes, and says of the others why not', async () => {
    const { fraud, churn } = await openMonorepo(place, 'one')
    await fraud.push(ana)

    await fraud.commit({ 'models/churn/data.txt': 'c2\n' })
    const ofChurn = await fraud.push(ana)
    await fraud.commit({ 'readme.md': 'neither\n' })
    const ofNone = await fraud.push(ana)

    expect((await fraud.runs()).map(({ number }) => number)).toEqual([1])
    expect((await churn.runs()).map(({ number }) => number)).toEqual([2, 1])
    expect(ofChurn.stderr).toContain('remote: tidegate: no run of one: nothing in models/fraud was changed.')
    // One run needs no name before its lines.
    expect(ofChurn.stderr).toMatch(/remote: {3}2 Automated build +train +succeeded/)
    expect(ofNone.stderr).toContain('remote: tidegate: no run of one, one-churn: nothing in their folders was changed.')
  })

  test("each project's own `on:` decides, with paths relative to its folder", async () => {
    const onlyData = 'on: { push: { branches: [main], paths: [data.txt] } }\n'
    const { fraud, churn } = await openMonorepo(place, 'filters', {
      'models/churn/tidegate.yaml': stepOf('churn', onlyData),
    })
    await fraud.push(ana)

    await fraud.commit({ 'models/churn/notes.md': 'more\n', 'models/fraud/notes.md': 'more\n' })
    const outcome = await fraud.push(ana)

    expect((await fraud.runs()).map(({ number }) => number)).toEqual([2, 1])
    expect((await churn.runs()).map(({ number }) => number)).toEqual([1])
    expect(outcome.stderr).toContain(
      'remote: tidegate: no run of filters-churn: `on:` in models/churn/tidegate.yaml starts nothing for this push.',
    )
  })

  test('a new branch runs the projects it changed since it left the default branch', async () => {
    const { fraud, churn } = await openMonorepo(place, 'branches')
    await fraud.push(ana)
    await git(fraud.work, 'checkout', '--quiet', '-b', 'feature')
    await fraud.commit({ 'models/churn/data.txt': 'c2\n' })

    const outcome = await fraud.push(ana, 'feature')
    const deleted = await fraud.push(ana, ':feature')

    expect(outcome.code).toBe(0)
    expect((await fraud.runs()).map(({ branch }) => branch)).toEqual(['main'])
    expect((await churn.runs()).map(({ branch }) => branch)).toEqual(['feature', 'main'])
    expect(deleted.stderr).toContain('remote: tidegate: nothing to run: the push only deletes.')
  })

  test("a broken file of one project does not hold up another one's run", async () => {
    const { fraud, churn } = await openMonorepo(place, 'broken', {
      'models/churn/tidegate.yaml': 'steps: { a: { rum: x } }\n',
    })

    const outcome = await fraud.push(ana)

    expect(await fraud.runs()).toMatchObject([{ state: 'succeeded' }])
    expect(await churn.runs()).toMatchObject([{ state: 'invalid' }])
    expect(outcome.stderr).toMatch(/remote: broken-churn#1 {2}models\/churn\/tidegate\.yaml:1:\d+.*rum/)
    expect(outcome.stderr).toMatch(/remote: broken#1 +2 Automated build +train +succeeded/)
  })

  test('a run that a person starts is of the commit of the repository, whichever project it is of', async () => {
    const { fraud, churn } = await openMonorepo(place, 'started')
    await fraud.push(ana)
    const commit = await fraud.commit({ 'models/fraud/data.txt': 'f2\n' })
    await fraud.push(ana)

    await ana.client.call(startRun, { params: { project: churn.name }, body: {} })

    expect(await churn.ended(2)).toMatchObject({ commit, state: 'succeeded', event: 'manual' })
  })

  test('the schedules of a project are those of its own file', async () => {
    const nightly = stepOf('churn', 'on: { push: {}, schedule: [{ cron: "0 4 * * *" }] }\n')
    const { fraud, churn } = await openMonorepo(place, 'clocks', { 'models/churn/tidegate.yaml': nightly })
    const schedulesOf = async (project: string) =>
      (await ana.client.call(getProject, { params: { project } })).schedules.map(({ cron }) => cron)

    await fraud.push(ana)

    await expect.poll(() => schedulesOf(churn.name), { timeout: 20_000 }).toEqual(['0 4 * * *'])
    expect(await schedulesOf(fraud.name)).toEqual([])
  })

  test('a push of very many refs that start nothing of a project is told in one line', async () => {
    const onlyMain = stepOf('fraud', 'on: { push: { branches: [main] } }\n')
    const { fraud } = await openMonorepo(place, 'tags', {
      'models/fraud/tidegate.yaml': onlyMain,
      'models/churn/tidegate.yaml': onlyMain,
    })
    await fraud.push(ana, '--push-option=detach')
    for (let at = 0; at < 101; at += 1) await git(fraud.work, 'tag', `v${at}`)

    const outcome = await fraud.push(ana, '--tags', 'main')

    expect(outcome.stderr).toContain('remote: tidegate: no run of tags, tags-churn for any of the 101 refs.')
  })

  test('more projects than fit on a terminal are counted', async () => {
    const { fraud } = await openMonorepo(place, 'many')
    const names = Array.from({ length: 20 }, (_, at) => `many-${String(at).padStart(2, '0')}`)
    const onlyMain = stepOf('x', 'on: { push: { branches: [main] } }\n')
    for (const name of names) {
      const body = { name, path: name, repository: 'many' }
      await place.admin.client.call(addProject, { body })
    }
    const first = await fraud.push(ana)
    const files = Object.fromEntries(names.map((name) => [`${name}/tidegate.yaml`, onlyMain]))
    await git(fraud.work, 'checkout', '--quiet', '-b', 'feature')
    await fraud.commit(files)

    const unwanted = await fraud.push(ana, '--push-option=detach', 'feature')
    await fraud.commit({ 'models/churn/data.txt': 'c2\n' })
    const elsewhere = await fraud.push(ana, '--push-option=detach', 'feature')

    expect(first.stderr).toContain('remote: tidegate: the steps of the first 20 runs are shown here.')
    expect(unwanted.stderr).toContain('no run of many-09: `on:` in many-09/tidegate.yaml starts nothing')
    expect(unwanted.stderr).toContain('no run of 10 more, whose `on:` starts nothing for this push.')
    expect(elsewhere.stderr).toMatch(/no run of many, many-00, .*, many-08 and 11 more: nothing in their folders/)
  })

  test('who changed another project of the repository is no author of this one', async () => {
    const { fraud, churn } = await openMonorepo(place, 'authors')
    const gus = { name: 'gus', email: 'gus@example.org', role: 'developer' as const, project: '*' as const }
    await place.admin.client.call(addPerson, { body: gus })
    await fraud.push(ana)
    await fraud.commit({ 'models/churn/data.txt': 'c2\n' })
    await git(fraud.work, 'commit', '--quiet', '--amend', '--author', 'Gus <gus@example.org>', '--no-edit')
    await fraud.commit({ 'models/fraud/data.txt': 'f2\n' })
    await fraud.push(ana)

    await using database = await openDatabase(place.databaseUrl)
    const authorsOf = async (project: string) => {
      const run = await getRun(database.read, `${project}#2`)
      return JSON.parse(run!.authors) as string[]
    }
    expect(await authorsOf(fraud.name)).toEqual(['ana'])
    expect(await authorsOf(churn.name)).toEqual(['ana', 'gus'])
  })

  test('lists tell the repository, and both projects name one address', async () => {
    await openMonorepo(place, 'listed')

    const { projects } = await ana.client.call(listProjects, {})
    const shown = await ana.client.call(getProject, { params: { project: 'listed-churn' } })

    const listed = projects.filter(({ repository }) => repository === 'listed')
    expect(listed.map(({ name, path }) => [name, path])).toEqual([
      ['listed', 'models/fraud'],
      ['listed-churn', 'models/churn'],
    ])
    expect(new Set(listed.map(({ gitUrl }) => gitUrl))).toEqual(new Set([`${place.server.address}/listed.git`]))
    expect(shown).toMatchObject({ repository: 'listed', path: 'models/churn', defaultBranch: 'main' })
  })

  test('what cannot be a project of a repository is refused with the reason', async () => {
    await openMonorepo(place, 'refusing')
    const add = (body: { name: string; path?: string; repository?: string }) =>
      place.admin.client.call(addProject, { body: { path: '', ...body } })

    await expect(add({ name: 'a', repository: 'none' })).rejects.toThrow(
      'There is no repository "none". `tidegate project list` shows those there are.',
    )
    await expect(add({ name: 'a', repository: 'refusing-churn', path: 'a' })).rejects.toThrow(
      'There is no repository "refusing-churn": the project of that name is in "refusing" (/refusing.git).',
    )
    await expect(add({ name: 'a', repository: 'refusing', path: 'models/churn/' })).rejects.toThrow(
      'The repository "refusing" with its folder models/churn is the project "refusing-churn" already.',
    )
    await expect(add({ name: 'refusing-churn', repository: 'refusing', path: 'b' })).rejects.toThrow(
      'There is a project "refusing-churn" already.',
    )
    await expect(add({ name: 'a', repository: 'refusing', path: '../b' })).rejects.toThrow('is not a folder')
    await expect(add({ name: 'A b', repository: 'refusing', path: 'b' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
    const url = `http://ana:${ana.token}@${new URL(place.server.address).host}/refusing-churn.git`
    const other = await runClient(place.folder, ['ls-remote', url])
    expect(other.stderr).toContain('the project of that name is in "refusing" (/refusing.git).')
  })

  test('a folder inside of another project is a project: a change there is one of both', async () => {
    const { fraud } = await openMonorepo(place, 'nested')
    const inner = { name: 'nested-inner', path: 'models/fraud/inner', repository: 'nested' }
    await place.admin.client.call(addProject, { body: inner })
    await fraud.push(ana)

    await fraud.commit({ 'models/fraud/inner/tidegate.yaml': 'steps: { train: { run: "true" } }\n' })
    const outcome = await fraud.push(ana)

    expect(outcome.stderr).toMatch(/remote: tidegate: nested#2 /)
    expect(outcome.stderr).toMatch(/remote: tidegate: nested-inner#2 /)
    expect(outcome.stderr).toContain('no run of nested-churn: nothing in models/churn was changed.')
  })

  describe('with people of one project each', () => {
    async function member(name: string, roles: Readonly<Record<string, Role>>): Promise<TestPerson> {
      const [[first, role] = ['', 'viewer' as Role], ...more] = Object.entries(roles)
      const { token } = await place.admin.client.call(addPerson, { body: { name, role, project: first } })
      for (const [project, other] of more) {
        await place.admin.client.call(grantRole, { body: { project, subject: name, role: other } })
      }
      return { ...ana, name, token }
    }

    test('who pushes is developer of each project whose folder changes, and viewer of the others', async () => {
      const { fraud, churn } = await openMonorepo(place, 'rights')
      await fraud.push(ana)
      const bo = await member('bo', { 'rights-churn': 'developer', rights: 'viewer' })
      const cy = await member('cy', { 'rights-churn': 'developer' })

      await fraud.commit({ 'models/churn/data.txt': 'c2\n' })
      const own = await fraud.push(bo)
      const blind = await fraud.push(cy)
      await fraud.commit({ 'models/churn/data.txt': 'c3\n', 'models/fraud/data.txt': 'f3\n' })
      const both = await fraud.push(bo)
      const tagged = await fraud.push(bo, 'HEAD~1:refs/tags/v1')
      const branched = await fraud.push(bo, 'HEAD:refs/heads/feature')

      expect(own.code).toBe(0)
      expect((await churn.runs()).map(({ person }) => person)).toEqual(['bo', 'ana'])
      expect(blind.stderr).toContain(
        'cy needs the role viewer in project "rights" too: it is in the repository "rights"',
      )
      expect(both.code).not.toBe(0)
      expect(both.stderr).toContain(
        'remote: bo needs the role developer in project "rights": refs/heads/main changes models/fraud/data.txt.',
      )
      expect(tagged.stderr).toContain('project "rights": refs/tags/v1 may start a run of it.')
      expect(branched.stderr).toContain('refs/heads/feature changes models/fraud/data.txt.')
      expect(await git(fraud.work, 'ls-remote', fraud.url(bo))).not.toMatch(/v1|feature/)
      expect((await fraud.runs()).map(({ number }) => number)).toEqual([1])
    })

    test('what a branch takes along when it goes asks for the same right as what it brought', async () => {
      const { fraud } = await openMonorepo(place, 'going')
      await fraud.push(ana)
      await git(fraud.work, 'branch', 'merged')
      await git(fraud.work, 'checkout', '--quiet', '-b', 'work')
      await fraud.commit({ 'models/fraud/data.txt': 'f2\n' })
      await fraud.push(ana, 'work', 'merged')
      const di = await member('di', { 'going-churn': 'developer', going: 'viewer' })

      const theirs = await fraud.push(di, ':work')
      const nobodys = await fraud.push(di, ':merged')

      expect(theirs.stderr).toContain('di needs the role developer in project "going": refs/heads/work changes')
      expect(nobodys.code).toBe(0)
    })

    test('who fetches is viewer of each project of the repository', async () => {
      const { fraud } = await openMonorepo(place, 'sight')
      await fraud.push(ana)
      const eve = await member('eve', { sight: 'developer' })
      const fay = await member('fay', { sight: 'viewer', 'sight-churn': 'tester' })

      const partly = await runClient(place.folder, ['clone', '--quiet', fraud.url(eve), 'partly'])
      await git(place.folder, 'clone', '--quiet', fraud.url(fay), 'wholly')
      const pushed = await fraud.push(fay)

      expect(partly.stderr).toContain('eve needs the role viewer in project "sight-churn" too')
      expect(await git(join(place.folder, 'wholly'), 'ls-files')).toContain('models/churn/data.txt')
      expect(pushed.stderr).toContain('fay needs the role developer in project "sight"')
    })
  })
})
