import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, describe } from 'vitest'
import { createProject, getProject, listProjects, projectWeights, setPriority } from '../../src/source/projects.ts'
import { ensureRepository } from '../../src/source/repositories.ts'
import { DATABASES, openTestDatabase } from '../harness/databases.ts'
import { git, temporaryFolder } from './git-place.ts'

describe.each(DATABASES)('on %s', (kind) => {
  test('a project has one acceptable name, a repository and a default branch', async () => {
    await using place = await openTestDatabase(kind)
    await using folder = await temporaryFolder()
    const { database } = place

    const made = await createProject(
      database,
      folder.path,
      { name: 'fraud', defaultBranch: 'trunk', path: 'm/f/' },
      'a',
    )
    await createProject(database, folder.path, { name: 'digits' }, 'a')

    expect(made).toMatchObject({ name: 'fraud', defaultBranch: 'trunk', path: 'm/f', createdBy: 'a' })
    expect(await getProject(database.read, 'fraud')).toEqual(made)
    expect((await listProjects(database.read)).map((project) => project.name)).toEqual(['digits', 'fraud'])
    const repository = join(folder.path, 'repositories', 'fraud.git')
    expect(await git(repository, 'symbolic-ref', 'HEAD')).toBe('refs/heads/trunk')
    await expect(createProject(database, folder.path, { name: 'fraud' }, 'a')).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    })
    await expect(getProject(database.read, 'none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const set = await setPriority(database, 'fraud', 'high', 'root')
    expect([made.priority, set.priority]).toEqual(['normal', 'high'])
    expect(await projectWeights(database.read)).toEqual(new Map([['fraud', 2]]))
    await expect(setPriority(database, 'none', 'low', 'root')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const bad = [
      { name: 'Fraud' },
      { name: '../x' },
      { name: '' },
      { name: 'a.b' },
      { name: 'api' },
      { name: 'sign-in' },
      { name: 'x', path: '../up' },
      { name: 'x', path: '/abs' },
      { name: 'x', path: 'a//b' },
      { name: 'x', defaultBranch: '-d' },
      { name: 'x', defaultBranch: 'a..b' },
    ]
    for (const project of bad) {
      await expect(createProject(database, folder.path, project, 'a')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    expect((await listProjects(database.read)).length).toBe(2)
  })
})

test('a repository that a crash kept from being made is made by whoever needs it first', async () => {
  await using folder = await temporaryFolder()

  const made = await Promise.all([1, 2, 3].map(() => ensureRepository(folder.path, { repository: 'digits' }, 'main')))
  await rm(made[0]!, { recursive: true })
  await ensureRepository(folder.path, { repository: 'digits' }, 'main')

  expect(new Set(made).size).toBe(1)
  expect(await readdir(join(folder.path, 'repositories'))).toEqual(['digits.git'])
})
