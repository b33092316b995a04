import { AppError } from '../core/errors.ts'
import type { RequirementFile } from './requirement-files.ts'

interface Line {
  readonly text: string
  readonly line: number
}

/**
 * Refuses lines that no list of packages may have, whatever kind of file they come from. `source`: the text in which
 * they are found again, where they were read from something else than lines.
 */
export function refuseLines(path: string, file: RequirementFile, source?: string): void {
  refuse(path, file.local, source, LOCAL)
  refuse(path, file.variables, source, VARIABLE)
  refuse(path, file.repositories, source, REPOSITORY)
}

const LOCAL =
  'installs from the working copy, which an environment shared by many commits cannot. Steps see the repository itself: set env PYTHONPATH to its source folder instead; what the project requires is taken where `build.dependencies` names its pyproject.toml too.'

/** What pip and uv have in their environment is the installation's: a name and password for its index, for one. */
const VARIABLE =
  'asks for a variable of the environment, which a commit gets none of. Write the value, or name an index with its token by `build.secrets`.'

const REPOSITORY =
  'is taken from a repository, and has no file whose hash could be locked. Publish a wheel of it to an index of your own, or name the address of a wheel.'

function refuse(path: string, [first]: readonly Line[], source: string | undefined, why: string): void {
  if (first === undefined) return
  const line = source === undefined ? first.line : lineOf(source, first.text)
  throw new AppError('INVALID_INPUT', `${path}:${line}: "${first.text}" ${why}`)
}

/** Lines count from 1; a text that is written otherwise there stands at the beginning. */
export function lineOf(source: string, text: string): number {
  return Math.max(1, source.split('\n').findIndex((line) => line.includes(text)) + 1)
}
