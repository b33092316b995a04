import { posix } from 'node:path'
import type { Problem } from '../core/problem.ts'
import type { ProblemAt } from './check-pipeline.ts'
import { moduleFiles, packagesAround, readCommand } from './command-files.ts'
import { trimSlash } from './connect-steps.ts'
import { globPattern, isGlob } from './glob.ts'
import type { Pipeline, StepSpec } from './pipeline.ts'
import { pythonImports, type PythonImport } from './python-imports.ts'

const MOST_FILES = 1_000
const MOST_BYTES = 1 << 20
const MOST_PROBLEMS = 10

/**
 * Modules of the repository that a step imports and does not see: it would fail with ModuleNotFoundError, or
 * worse, be cached without them. Only what surely is a file of the commit counts.
 */
export function uncoveredImports(
  { steps, env }: Pipeline,
  files: readonly string[],
  readText: ((path: string) => string | undefined) | undefined,
  problemAt: ProblemAt,
): Problem[] {
  if (readText === undefined) return []
  const sources = new Sources(files, readText)
  return steps.flatMap((step) => {
    if (step.deps === undefined || step.deps.some((dep) => dep.includes('${{'))) return []
    const covers = coverage(step.deps)
    const missing = missingOf({ ...step, env: { ...env, ...step.env } }, sources, covers)
    const path = ['steps', step.name, 'deps']
    return [...missing].slice(0, MOST_PROBLEMS).map(([file, by]) => problemAt(path, explain(file, by)))
  })
}

function explain(file: string, by: string): string {
  const folder = posix.dirname(file)
  const hint = folder === '.' ? `"${file}"` : `"${file}" or "${folder}/"`
  return `${by} imports ${file}, which this step does not see: add ${hint} to \`deps\``
}

function coverage(deps: readonly string[]): (file: string) => boolean {
  const tests = deps.map((dep) => {
    if (isGlob(dep)) return globPattern(dep)
    const path = trimSlash(dep)
    return { test: (file: string) => path === '' || path === '.' || file === path || file.startsWith(`${path}/`) }
  })
  return (file) => tests.some((each) => each.test(file))
}

/** Files that are not covered, each with the `file:line` that imports it first. */
function missingOf(
  step: Pick<StepSpec, 'run' | 'env'>,
  sources: Sources,
  covers: (file: string) => boolean,
): Map<string, string> {
  const missing = new Map<string, string>()
  for (const { file: start, roots } of entries(step, sources)) {
    const seen = new Set([start])
    for (const file of seen) {
      if (seen.size > MOST_FILES) break
      for (const imported of sources.imports(file)) {
        for (const target of sources.resolve(imported, file, roots)) {
          // What is not seen is not followed: adding it shows the next ones.
          if (covers(target)) seen.add(target)
          else if (!missing.has(target)) missing.set(target, `${file}:${imported.line}`)
        }
      }
    }
  }
  return missing
}

interface Entry {
  readonly file: string
  /** Folders that its absolute imports are looked for in. */
  readonly roots: readonly string[]
}

/** Where Python begins, from the command: a script's folder is on its path, `-m` has the working folder. */
function entries({ run, env }: Pick<StepSpec, 'run' | 'env'>, sources: Sources): Entry[] {
  const { scripts, modules, tests } = readCommand(run)
  const written = [
    env['PYTHONPATH'] ?? '',
    ...run.matchAll(/\bPYTHONPATH=([\w./:-]+)/g).map(([, value]) => value ?? ''),
  ]
  const extra = written.flatMap((value) => value.split(':')).map((folder) => posix.normalize(folder || '.'))
  const started = scripts
    .filter((file) => file.endsWith('.py') && sources.has(file))
    .map((file) => ({ file, roots: [posix.dirname(file), ...extra] }))
  const asModules = modules.flatMap(({ name, folder }) => {
    const roots = [folder, ...extra]
    const found = roots.flatMap((root) => moduleFiles(name, root).map((file) => ({ file, root })))
    const first = found.find(({ file }) => sources.has(file))
    if (first === undefined) return []
    const packages = packagesAround(name, first.root).filter((file) => sources.has(file))
    return [...packages, first.file].map((file) => ({ file, roots }))
  })
  // pytest puts each test's folder (or its package's parent) first; with `-m`, or a conftest, the root too.
  const tested = sources.tests(tests).map((file) => ({ file, roots: [...parents(file), 'src', ...extra] }))
  return [...started, ...asModules, ...tested]
}

function parents(file: string): string[] {
  const folders: string[] = []
  for (let folder = posix.dirname(file); ; folder = posix.dirname(folder)) {
    folders.push(folder)
    if (folder === '.') return folders
  }
}

/** The Python files of a commit. */
class Sources {
  readonly #paths: ReadonlySet<string>
  readonly #readText: (path: string) => string | undefined
  readonly #known = new Map<string, PythonImport[]>()

  constructor(files: readonly string[], readText: (path: string) => string | undefined) {
    this.#paths = new Set(files.filter((file) => file.endsWith('.py')))
    this.#readText = readText
  }

  has(path: string): boolean {
    return this.#paths.has(path)
  }

  imports(file: string): readonly PythonImport[] {
    const known = this.#known.get(file)
    if (known !== undefined) return known
    const text = this.#known.size < MOST_FILES ? (this.#readText(file) ?? '') : ''
    const imports = text.length > MOST_BYTES ? [] : pythonImports(text)
    this.#known.set(file, imports)
    return imports
  }

  tests(targets: readonly string[]): string[] {
    const isTest = (path: string) => /(^|\/)(test_[^/]*|[^/]*_test|conftest)\.py$/.test(path)
    return [...this.#paths].filter(
      (path) =>
        isTest(path) && targets.some((target) => target === '.' || path === target || path.startsWith(`${target}/`)),
    )
  }

  /** The files that an import runs: the module, and the packages around it. */
  resolve(imported: PythonImport, from: string, roots: readonly string[]): string[] {
    const { module, level, names } = imported
    if (level > 0) {
      const base = posix.join(posix.dirname(from), '../'.repeat(level - 1))
      return base.startsWith('..') ? [] : this.#under(base, module, names)
    }
    for (const root of roots) {
      const found = this.#under(root, module, names)
      if (found.length > 0) return found
    }
    return []
  }

  #under(base: string, module: string, names: readonly string[]): string[] {
    const parts = module === '' ? [] : module.split('.')
    const whole = posix.join(base, ...parts)
    const packages = parts.map((_, index) => posix.join(base, ...parts.slice(0, index + 1), '__init__.py'))
    const inside = names.flatMap((name) => [posix.join(whole, `${name}.py`), posix.join(whole, name, '__init__.py')])
    const own = parts.length === 0 ? [posix.join(whole, '__init__.py')] : [`${whole}.py`]
    return [...new Set([...packages, ...own, ...inside])].filter((path) => this.has(path))
  }
}
