import { AppError } from '../core/errors.ts'
import { parsePipeline } from '../pipeline/parse-pipeline.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { Project } from '../source/projects.ts'
import { commitsOfFile } from '../source/read-history.ts'
import { pipelinePath, readPipelineText } from './pipeline-text.ts'

export interface LastValid {
  readonly pipeline: Pipeline
  /** Whether it is what stands at that commit, and not at one before it. */
  readonly isNewest: boolean
}

const MOST_COMMITS = 500

/**
 * What a branch says at a commit, or said last: a file with problems, or none, takes away no gate, reviewer or owner
 * that stood there before. Undefined where no commit before it had a file without problems.
 */
export async function lastValidPipeline(
  repository: string,
  commit: string,
  project: Project,
): Promise<LastValid | undefined> {
  const newest = await pipelineAt(repository, commit, project)
  if (newest !== undefined) return { pipeline: newest, isNewest: true }
  const path = pipelinePath(project)
  const commits = await commitsOfFile(repository, commit, path, MOST_COMMITS + 1)
  for (const earlier of commits.slice(0, MOST_COMMITS)) {
    const pipeline = await pipelineAt(repository, earlier, project)
    if (pipeline !== undefined) return { pipeline, isNewest: false }
  }
  if (commits.length <= MOST_COMMITS) return undefined
  throw new AppError(
    'INVALID_INPUT',
    `${path} has problems at ${commit.slice(0, 12)} and in the ${MOST_COMMITS} changes of it before, so nobody knows whose word counts. Mend it on ${project.defaultBranch} first.`,
  )
}

async function pipelineAt(repository: string, commit: string, project: Project): Promise<Pipeline | undefined> {
  const read = await readPipelineText(repository, commit, project)
  return read.kind === 'text' ? parsePipeline(read.text, pipelinePath(project)).pipeline : undefined
}
