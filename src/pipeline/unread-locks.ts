import { posix } from 'node:path'
import type { Problem } from '../core/problem.ts'
import type { ProblemAt } from './check-pipeline.ts'
import { foundDependencies } from './environment-steps.ts'
import type { Path } from './path.ts'
import type { Pipeline } from './pipeline.ts'
import { splitExtras } from './requirement-includes.ts'

/** How each of them writes what it has locked into a list that is read here, hashes too. */
const EXPORTS: Readonly<Record<string, string>> = {
  'poetry.lock': 'poetry export --output requirements.txt',
  'pdm.lock': 'pdm export --output requirements.txt',
  'Pipfile.lock': 'pipenv requirements --hash > requirements.txt',
}

/**
 * Locks of other tools beside a project: whoever commits one expects its versions, and gets newer ones. A poetry.lock
 * is read where the project is the only file of its list.
 */
export function unreadLocks(
  { build }: Pipeline,
  files: readonly string[],
  readText: ((path: string) => string | undefined) | undefined,
  problemAt: ProblemAt,
): Problem[] {
  const present = new Set(files)
  const found = build.interpreter === undefined ? foundDependencies(files, readText) : []
  const lists: [Path, readonly string[]][] = [
    [['build', 'dependencies'], build.dependencies ?? found],
    ...Object.entries(build.environments).map(([name, list]): [Path, readonly string[]] => [
      ['build', 'environments', name],
      list,
    ]),
  ]
  const told = new Map<string, Problem>()
  for (const [path, list] of lists) {
    const unread = Object.keys(EXPORTS).filter((lock) => lock !== 'poetry.lock' || list.length > 1)
    const projects = list.map((file) => splitExtras(file).path).filter((file) => /(^|\/)pyproject\.toml$/.test(file))
    const folders = projects.map((file) => posix.dirname(file))
    const locks = folders
      .filter((folder) => !present.has(posix.join(folder, 'uv.lock')))
      .flatMap((folder) => unread.map((lock) => posix.join(folder, lock)))
    for (const lock of locks) if (present.has(lock) && !told.has(lock)) told.set(lock, problemAt(path, explain(lock)))
  }
  return [...told.values()]
}

function explain(lock: string): string {
  const command = EXPORTS[posix.basename(lock)] ?? ''
  return `${lock} is not read: versions are resolved anew, once for each change of the project. To have those that it holds, commit what \`${command}\` writes and name that here`
}
