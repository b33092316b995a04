import { matchesGlob } from 'node:path'
import type { CommandFiles } from './command-files.ts'
import { knownNames } from './suggestion.ts'

export interface StartedFiles {
  readonly step: string
  readonly files: CommandFiles
  /** Absent: it sees every file. */
  readonly deps?: readonly string[]
}

export interface MissingScript {
  readonly step: string
  readonly path: string
  /** `unseen`: it is there, outside the deps. */
  readonly kind: 'absent' | 'unseen'
  readonly message: string
}

/**
 * Scripts and tests that a step starts and that it will not find: neither in the commit nor below what steps and
 * datasets make, or outside the deps of the step.
 */
export function missingScripts(
  steps: readonly StartedFiles[],
  commit: Iterable<string>,
  made: readonly string[],
): MissingScript[] {
  const present = withFolders(commit)
  const names = knownNames(present)
  return steps.flatMap(({ step, files, deps }) =>
    [...files.scripts, ...files.tests.filter((path) => path !== '.')].flatMap((path): MissingScript[] => {
      if (made.some((out) => isBelow(path, out))) return []
      if (!present.has(trimmed(path))) {
        if (files.perhapsMade.includes(path)) return []
        const message = `step "${step}" runs ${path}, which is not in the commit${names.hint(path)}`
        return [{ step, path, kind: 'absent', message }]
      }
      if (deps === undefined || isCovered(path, deps)) return []
      const message = `step "${step}" runs ${path}, but sees only its deps: add ${path} to them`
      return [{ step, path, kind: 'unseen', message }]
    }),
  )
}

/** Files, and the folders they are in. */
export function withFolders(paths: Iterable<string>): Set<string> {
  const all = new Set<string>()
  for (const path of paths) {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) all.add(path.slice(0, end))
  }
  return all
}

export function isBelow(path: string, folder: string): boolean {
  return folder === '.' || path === folder || path.startsWith(`${trimmed(folder)}/`)
}

function trimmed(path: string): string {
  return path.replace(/\/$/, '')
}

function isCovered(path: string, deps: readonly string[]): boolean {
  return deps.some((dep) => isBelow(path, dep) || isBelow(dep, path) || matchesGlob(path, dep))
}
