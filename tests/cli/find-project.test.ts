import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { findProject } from '../../src/cli/local/find-project.ts'
import { openMonorepo } from '../harness/monorepo.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'
import { git } from '../source/git-place.ts'

let place: TestServer
let ana: TestPerson

beforeAll(async () => {
  place = await openTestServer('sqlite')
  ana = await place.person('ana')
})
afterAll(() => place[Symbol.asyncDispose]())

/** Of a folder in a working copy, as somebody who is logged in; undefined: none. */
async function found(folder: string, server = place.server.address): Promise<string | undefined> {
  vi.stubEnv('TIDEGATE_CONFIG', join(place.folder, 'nowhere'))
  vi.stubEnv('TIDEGATE_SERVER', server)
  vi.stubEnv('TIDEGATE_TOKEN', ana.token)
  try {
    const answer = await findProject(folder, undefined, {})
    return typeof answer === 'object' && 'project' in answer ? answer.project : undefined
  } finally {
    vi.unstubAllEnvs()
  }
}

test('a folder of a repository is the project that has it, and a folder of none is none', async () => {
  const { fraud, churn } = await openMonorepo(place, 'shop')
  await git(fraud.work, 'remote', 'add', 'origin', fraud.url(ana))
  await mkdir(join(fraud.work, 'models/other'))

  expect(await found(join(fraud.work, 'models/fraud'))).toBe('shop')
  expect(await found(join(fraud.work, 'models/churn'))).toBe(churn.name)
  expect(await found(join(fraud.work, 'models/other'))).toBeUndefined()
  expect(await found(fraud.work)).toBeUndefined()
})

test('where a repository is one project, every folder of it is', async () => {
  const digits = await place.project('digits', { 'a/train.py': '' })
  await git(digits.work, 'remote', 'add', 'origin', digits.url(ana))

  expect(await found(digits.work)).toBe('digits')
  expect(await found(join(digits.work, 'a'))).toBe('digits')
  expect(await found(place.folder)).toBeUndefined()
})

test('a server that is away leaves the name of the repository, so that it is asked and named', async () => {
  const away = 'http://127.0.0.1:9'
  const work = join(place.folder, 'away')
  await mkdir(work)
  await git(work, 'init', '--quiet')
  await git(work, 'remote', 'add', 'origin', `${away}/shop.git`)

  expect(await found(work, away)).toBe('shop')
})
