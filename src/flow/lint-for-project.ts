import { allSecretNames } from '../access/secrets.ts'
import type { Problem } from '../core/problem.ts'
import { lintParsed } from '../pipeline/lint.ts'
import { parsePipeline } from '../pipeline/parse-pipeline.ts'
import { getProject } from '../source/projects.ts'
import { resolveRef } from '../source/read-commit.ts'
import { repositoryFolder } from '../source/repositories.ts'
import { AppError } from '../core/errors.ts'
import { missingPeople, readSources, type PlanNeeds } from './plan-commit.ts'

export interface LintRequest {
  readonly project: string
  readonly text: string
  /** The commit whose files it is checked with; absent: the default branch's newest. */
  readonly ref?: string | undefined
}

/** What a push of this text would be told, warnings too; people are those of this server. */
export async function lintForProject(needs: PlanNeeds, request: LintRequest): Promise<Problem[]> {
  const project = await getProject(needs.database.read, request.project)
  const parsed = parsePipeline(request.text)
  const pipeline = parsed.pipeline ?? parsed.certain?.pipeline
  if (pipeline === undefined) return [...parsed.problems]
  const repository = repositoryFolder(needs.dataFolder, project)
  const commit = await resolveRef(repository, request.ref ?? project.defaultBranch)
  if (commit === undefined && request.ref !== undefined) {
    throw new AppError('NOT_FOUND', `${project.name} has no branch, tag or commit "${request.ref}".`)
  }
  const people = await missingPeople(needs, pipeline)
  const secrets = await allSecretNames(needs.database.read, project.name)
  const sources = commit === undefined ? undefined : await readSources(repository, commit, project)
  return lintParsed(parsed, {
    project: project.name,
    branch: project.defaultBranch,
    defaultBranch: project.defaultBranch,
    people,
    ...(secrets === undefined ? {} : { secrets }),
    ...(sources === undefined ? {} : { files: sources.files, readText: (path) => sources.texts.get(path) }),
  })
}
