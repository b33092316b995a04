import { AppError } from '../core/errors.ts'
import { limit } from '../core/limits.ts'
import { PRIORITIES, type Priority } from '../core/priority.ts'
import type { Database, Reader, Writer } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import * as sql from './projects.sql.ts'
import { ensureRepository } from './repositories.ts'
import { deleteSchedulesOf } from './schedules.sql.ts'

export interface Project {
  readonly name: string
  readonly defaultBranch: string
  /** The repository it is in, by name. */
  readonly repository: string
  /** Of the folder in the repository that the project is, for repositories with several; '' for the whole. */
  readonly path: string
  /** Its share of what is scarce, beside other projects. */
  readonly priority: Priority
  readonly createdAt: number
  readonly createdBy: string
}

export interface NewProject {
  readonly name: string
  /** One that is there, to be in it beside its projects; absent: a new one of the project's name. */
  readonly repository?: string
  readonly path?: string
  readonly defaultBranch?: string
}

/** What is pushed to, and the projects that are folders of it. */
export interface Repository {
  /** That of the project it was made with. */
  readonly name: string
  /** What `HEAD` stands for: the default branch of that project. */
  readonly defaultBranch: string
  /** In the order of their names. */
  readonly projects: readonly Project[]
}

/**
 * Makes the project, and its empty repository unless it is to be in another one. Fails with ALREADY_EXISTS for the
 * name or the folder, and with NOT_FOUND for the repository.
 */
export async function createProject(
  database: Database,
  dataFolder: string,
  project: NewProject,
  by: string,
): Promise<Project> {
  const name = checkProjectName(project.name)
  const beside = project.repository === undefined ? undefined : await getRepository(database.read, project.repository)
  const row = {
    name,
    repository: beside?.name ?? name,
    default_branch: checkBranch(project.defaultBranch ?? beside?.defaultBranch ?? 'main'),
    path: checkPath(project.path ?? ''),
    priority: 'normal' as const,
    created_at: Date.now(),
    created_by: by,
  }
  await database.write(async (writer) => {
    const there = await sql.selectProjectsIn(writer, row.repository)
    if (there.length >= limit('repositoryProjects')) throw tooMany(row.repository)
    if (!(await sql.insertProject(writer, row))) throw taken(row, there)
  })
  // After a crash here the first push or clone makes it.
  if (beside === undefined) await ensureRepository(dataFolder, row, row.default_branch)
  return asProject(row)
}

function taken({ name, repository, path }: sql.ProjectRow, there: readonly sql.ProjectRow[]): AppError {
  const same = there.find((other) => other.name !== name && other.path === path)
  if (same === undefined) return new AppError('ALREADY_EXISTS', `There is a project "${name}" already.`)
  const what = path === '' ? 'as a whole' : `with its folder ${path}`
  return new AppError(
    'ALREADY_EXISTS',
    `The repository "${repository}" ${what} is the project "${same.name}" already. Name another folder of it, where the tidegate.yaml of ${name} stands (--path).`,
    { project: same.name, path },
  )
}

function tooMany(repository: string): AppError {
  return new AppError(
    'INVALID_INPUT',
    `The repository "${repository}" has ${limit('repositoryProjects')} projects, and no more fit into one. Leave --repository away: the project gets one of its own.`,
    { repository },
  )
}

/** None where the last was removed. */
export async function projectsIn(reader: Reader, repository: string): Promise<Project[]> {
  return (await sql.selectProjectsIn(reader, repository)).map(asProject)
}

/** Fails with NOT_FOUND, naming the repository where a project of that name is. */
export async function getRepository(reader: Reader, name: string): Promise<Repository> {
  const projects = (await sql.selectProjectsIn(reader, name)).map(asProject)
  const first = projects.find((project) => project.name === name)
  if (first !== undefined) return { name, defaultBranch: first.defaultBranch, projects }
  const project = await sql.selectProject(reader, name)
  const hint =
    project === undefined
      ? '. `tidegate project list` shows those there are.'
      : `: the project of that name is in "${project.repository}" (/${project.repository}.git).`
  throw new AppError('NOT_FOUND', `There is no repository "${name}"${hint}`, { repository: name })
}

/** Undefined where it was removed, or never was. */
export async function findProject(reader: Reader, name: string): Promise<Project | undefined> {
  const row = await sql.selectProject(reader, name)
  return row === undefined ? undefined : asProject(row)
}

/** Fails with NOT_FOUND. */
export async function getProject(reader: Reader, name: string): Promise<Project> {
  const project = await findProject(reader, name)
  if (project === undefined) throw new AppError('NOT_FOUND', `There is no project "${name}".`)
  return project
}

/**
 * The row and the schedules, in the caller's transaction; the repository stays. Answers the projects that are left in it.
 * Fails with STATE_CONFLICT for the one that a repository is named by while others are in it.
 */
export async function removeProject(writer: Writer, { name, repository }: Project): Promise<Project[]> {
  const others = (await sql.selectProjectsIn(writer, repository)).filter((one) => one.name !== name)
  if (name === repository && others.length > 0) {
    const names = others.map((one) => one.name).join(', ')
    throw new AppError(
      'STATE_CONFLICT',
      `The repository "${repository}" has its name and address of this project, and ${names} ${others.length === 1 ? 'is' : 'are'} in it too. Remove the others first.`,
      { repository, projects: others.map((one) => one.name) },
    )
  }
  await sql.deleteProject(writer, name)
  await deleteSchedulesOf(writer, name)
  return others.map(asProject)
}

/** Takes effect with the next step that starts. Fails with NOT_FOUND. */
export async function setPriority(database: Database, name: string, priority: Priority, by: string): Promise<Project> {
  const row = await database.write(async (writer) => {
    const updated = await sql.updatePriority(writer, name, priority)
    if (updated !== undefined) {
      const data = { change: 'priority', priority, by }
      await appendEvents(writer, database.kind, [{ kind: 'access.changed', project: name, subject: name, data }])
    }
    return updated
  })
  if (row === undefined) throw new AppError('NOT_FOUND', `There is no project "${name}".`)
  return asProject(row)
}

/** The weight of each project whose priority is not the usual one, the usual being 1. */
export async function projectWeights(reader: Reader): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.selectPriorities(reader)
  return new Map(rows.map(({ name, priority }) => [name, PRIORITIES[priority] / PRIORITIES.normal]))
}

/** At most 200, in the order of their names, after `after`. */
export async function listProjects(reader: Reader, after = ''): Promise<Project[]> {
  return (await sql.selectProjects(reader, after)).map(asProject)
}

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/

/** The page of a project is at `/<name>`. */
const TAKEN_BY_PATHS = new Set(['api', 'sign-in'])

function checkProjectName(name: string): string {
  if (TAKEN_BY_PATHS.has(name))
    throw new AppError(
      'INVALID_INPUT',
      `"${name}" cannot name a project: the server has something else at /${name}. Choose another name.`,
      { name },
    )
  if (NAME.test(name)) return name
  throw new AppError(
    'INVALID_INPUT',
    `${JSON.stringify(name)} cannot name a project: use 1 to 63 of a-z, 0-9 and "-", beginning with a letter or digit.`,
    { name },
  )
}

const BRANCH = /^[A-Za-z0-9_][A-Za-z0-9._/-]{0,200}$/

function checkBranch(branch: string): string {
  if (BRANCH.test(branch) && !/\.\.|\/\/|\/\.|\.$|\/$|\.lock(\/|$)/.test(branch)) return branch
  throw new AppError('INVALID_INPUT', `${JSON.stringify(branch)} cannot be a default branch.`, { branch })
}

function checkPath(path: string): string {
  const parts = path.replace(/\/$/, '').split('/')
  const isRelative = parts.every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'))
  if (path === '' || isRelative) return parts.join('/')
  throw new AppError(
    'INVALID_INPUT',
    `${JSON.stringify(path)} is not a folder in a repository: write it relative, like models/fraud.`,
    { path },
  )
}

function asProject(row: sql.ProjectRow): Project {
  return {
    name: row.name,
    repository: row.repository,
    defaultBranch: row.default_branch,
    path: row.path,
    priority: row.priority,
    createdAt: row.created_at,
    createdBy: row.created_by,
  }
}
