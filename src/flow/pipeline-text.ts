import { isAppError, type AppError } from '../core/errors.ts'
import type { Problem } from '../core/problem.ts'
import type { Project } from '../source/projects.ts'
import { readCommitText } from '../source/read-commit.ts'

const FILE = 'tidegate.yaml'

export function pipelinePath(project: Project): string {
  return project.path === '' ? FILE : `${project.path}/${FILE}`
}

type ReadPipeline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'problem'; readonly problem: Problem }

/** A file that is not there, no text or too large is the pusher's mistake like any other in it. */
export async function readPipelineText(repository: string, commit: string, project: Project): Promise<ReadPipeline> {
  try {
    const text = await readCommitText(repository, commit, pipelinePath(project))
    return text === undefined ? { kind: 'problem', problem: missingFile(project) } : { kind: 'text', text }
  } catch (error) {
    if (!isOfCommit(error)) throw error
    return { kind: 'problem', problem: problemOfFile(project, error.message) }
  }
}

/** Trouble that is the same at each try, because it is in what was committed: a submodule, a name that is no text. */
export function isOfCommit(error: unknown): error is AppError {
  return isAppError(error) && ['INVALID_INPUT', 'TOO_LARGE', 'NOT_AVAILABLE_YET'].includes(error.code)
}

function missingFile(project: Project): Problem {
  const message = `there is no ${pipelinePath(project)} in this commit. Run \`tidegate init\` in the repository: it writes one that fits, then commit and push it`
  return problemOfFile(project, message)
}

export function problemOfFile(project: Project, message: string): Problem {
  return { file: pipelinePath(project), line: 1, column: 1, path: '', message, severity: 'error' }
}
