import { AppError } from '../core/errors.ts'
import { PRIORITIES, type Priority } from '../core/priority.ts'
import type { Database, Reader } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import * as sql from './projects.sql.ts'
import { ensureRepository } from './repositories.ts'

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
  readonly path?: string
  readonly defaultBranch?: string
}

/** Makes the project and its empty repository. Fails with ALREADY_EXISTS. */
export async function createProject(
  database: Database,
  dataFolder: string,
  project: NewProject,
  by: string,
): Promise<Project> {
  const name = checkProjectName(project.name)
  const row = {
    name,
    repository: name,
    default_branch: checkBranch(project.defaultBranch ?? 'main'),
    path: checkPath(project.path ?? ''),
    priority: 'normal' as const,
    created_at: Date.now(),
    created_by: by,
  }
  if (!(await database.write((writer) => sql.insertProject(writer, row)))) {
    throw new AppError('ALREADY_EXISTS', `There is a project "${row.name}" already.`)
  }
  // After a crash here the first push or clone makes it.
  await ensureRepository(dataFolder, row, row.default_branch)
  return asProject(row)
}

/** Fails with NOT_FOUND. */
export async function getProject(reader: Reader, name: string): Promise<Project> {
  const row = await sql.selectProject(reader, name)
  if (row === undefined) throw new AppError('NOT_FOUND', `There is no project "${name}".`)
  return asProject(row)
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

function checkProjectName(name: string): string {
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
