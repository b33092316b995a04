import { matchesGlob, posix } from 'node:path'
import { moduleFiles, packagesAround, type CommandFiles, type StartedModule } from './command-files.ts'
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
  /** Where the command says `python -m`: what it names. An installed package may have it as well. */
  readonly module?: string
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
  const isMade = (path: string): boolean => made.some((out) => isBelow(path, out))
  return steps.flatMap(({ step, files, deps }): MissingScript[] => {
    const unseen = (path: string): MissingScript | undefined =>
      deps === undefined || isCovered(path, deps)
        ? undefined
        : {
            step,
            path,
            kind: 'unseen',
            message: `step "${step}" runs ${path}, but sees only its deps: add ${path} to them`,
          }
    const script = (path: string): MissingScript | undefined => {
      if (isMade(path)) return undefined
      if (present.has(trimmed(path))) return unseen(path)
      if (files.perhapsMade.includes(path)) return undefined
      const message = `step "${step}" runs ${path}, which is not in the commit${names.hint(path)}`
      return { step, path, kind: 'absent', message }
    }
    const module = ({ name, folder, isPerhapsMade }: StartedModule): MissingScript | undefined => {
      if (isPerhapsMade) return undefined
      const candidates = moduleFiles(name, folder)
      const file = candidates.find((candidate) => present.has(candidate)) ?? onlyFile(name, folder, present)
      if (file !== undefined) return isMade(file) ? undefined : unseen(file)
      const root = name.includes('.') ? rootOfPackage(name, folder, present) : undefined
      if (root === undefined || hasAny(name, present)) return undefined
      const [path, main] = moduleFiles(name, root)
      if (isMade(path) || isMade(main)) return undefined
      const message = `step "${step}" runs python -m ${name}, and ${path} is not in the commit${names.hint(path)}`
      return { step, path, kind: 'absent', message }
    }
    return [
      ...[...files.scripts, ...files.tests.filter((path) => path !== '.')].map(script),
      ...files.modules.map((each) => {
        const missing = module(each)
        return missing === undefined ? undefined : { ...missing, module: each.name }
      }),
    ].filter((missing) => missing !== undefined)
  })
}

/** PYTHONPATH may point anywhere in the repository: of several files of this name it is not known which one runs. */
function onlyFile(name: string, folder: string, present: ReadonlySet<string>): string | undefined {
  const root = name.includes('.') ? rootOfPackage(name, folder, present) : undefined
  if (root === undefined) return undefined
  const tails = moduleFiles(name, '')
  const found = [...present].filter((path) => tails.some((tail) => path.endsWith(`/${tail}`)))
  return found.length === 1 ? found[0] : undefined
}

/** Where the commit has the package of a module: in the folder of the command, else wherever else. */
function rootOfPackage(name: string, folder: string, present: ReadonlySet<string>): string | undefined {
  const [outermost = ''] = packagesAround(name, '')
  if (present.has(posix.join(folder, outermost))) return folder
  return [...present].find((path) => path.endsWith(`/${outermost}`))?.slice(0, -outermost.length)
}

/** Whether anything is called like it (`_fast.so`, a folder). */
function hasAny(name: string, present: ReadonlySet<string>): boolean {
  const path = name.replaceAll('.', '/')
  return [...present].some((each) => `/${each}`.includes(`/${path}.`) || `/${each}/`.includes(`/${path}/`))
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
