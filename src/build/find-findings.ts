import { posix } from 'node:path'
import { DEFAULT_ENVIRONMENT } from '../pipeline/task-keys.ts'
import { moduleFiles, packagesAround, type CommandFiles } from '../pipeline/command-files.ts'
import { isBelow, missingScripts } from '../pipeline/missing-scripts.ts'
import { readYaml } from '../pipeline/yaml-source.ts'
import { normalise, type Requirement } from './requirement-files.ts'
import { KNOWN_PACKAGES, LOADED_BY_OTHERS } from './known-packages.ts'
import type { FileFacts, ImportFact, SourceFacts } from './source-script.ts'

/** Something wrong in the sources, found before anything of them ran. Lines and columns count from 1. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

interface CheckedCommand {
  readonly step: string
  readonly environment: string
  readonly run: string
  readonly files: CommandFiles
  readonly deps?: readonly string[]
}

export interface Sources {
  /** Every file of the commit. */
  readonly paths: ReadonlySet<string>
  readonly commands: readonly CheckedCommand[]
  /** By the key of the build environment. */
  readonly facts: Readonly<Record<string, SourceFacts>>
  /** Paths that exist only once steps have run. */
  readonly dataPaths: readonly string[]
  /** What people wrote down that an environment needs, by its key. */
  readonly requirements: Readonly<Record<string, readonly Requirement[]>>
  /** Files of the commit that are large: their size in bytes. */
  readonly large: readonly { readonly path: string; readonly sizeBytes: number }[]
  /** For the lines of commands; its path and text. */
  readonly pipelineFile: { readonly path: string; readonly text: string }
}

/** All findings, errors first, then by place. A source is judged under each environment that a command runs it in. */
export function findFindings(sources: Sources): Finding[] {
  const modules = localModules(sources.paths)
  const findings = new Map<string, Finding>()
  const add = (finding: Finding): void =>
    void findings.set(JSON.stringify([finding.file, finding.line, finding.message]), finding)
  for (const finding of findMissingScripts(sources)) add(finding)
  for (const [environment, facts] of Object.entries(sources.facts)) {
    for (const path of reached(environment, facts, sources, modules)) {
      for (const finding of judgeFile(path, environment, sources, modules)) add(finding)
    }
  }
  // What a file would import that runs and cannot be read is known when it can.
  const areAllRead = ![...findings.values()].some(isSyntaxError)
  for (const finding of findUnusedSyntaxErrors(sources, findings)) add(finding)
  if (areAllRead) for (const finding of findUnusedPackages(sources)) add(finding)
  for (const { path, sizeBytes } of sources.large) add(largeFile(path, sizeBytes))
  return [...findings.values()].toSorted(
    (a, b) =>
      a.severity.localeCompare(b.severity) || a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column,
  )
}

/** Names that an import may find in the repository itself: generous, since PYTHONPATH may point anywhere in it. */
function localModules(paths: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const modules = new Map<string, string[]>()
  for (const path of paths) {
    if (!/\.(py|pyx|so)$/.test(path)) continue
    const parts = path.replace(/(\.[^/]*)+$/, '').split('/')
    for (const part of new Set(parts)) modules.set(part, [...(modules.get(part) ?? []), path])
  }
  return modules
}

/** Files that commands of this environment start, and what those import, over and over. */
function reached(
  environment: string,
  facts: SourceFacts,
  sources: Sources,
  modules: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const queue = sources.commands
    .filter((command) => command.environment === environment)
    .flatMap((c) => startedBy(c, sources.paths))
  const seen = new Set<string>()
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path) || facts.files[path] === undefined) continue
    seen.add(path)
    for (const imported of facts.files[path]?.imports ?? []) queue.push(...importedFiles(path, imported, modules))
  }
  return seen
}

function startedBy({ files }: CheckedCommand, paths: ReadonlySet<string>): string[] {
  const tests = [...paths].filter((path) => isTest(path) && files.tests.some((target) => isBelow(path, target)))
  const modules = files.modules.flatMap(({ name }) => filesOfModule(name, paths))
  return [...files.scripts, ...tests, ...modules]
}

/** Wherever in the repository it may be found, with the packages around it, which run before it. */
function filesOfModule(name: string, paths: ReadonlySet<string>): string[] {
  return moduleFiles(name, '').flatMap((tail) =>
    [...paths]
      .filter((path) => endsAtPart(path, tail))
      .flatMap((path) => [...packagesAround(name, path.slice(0, -tail.length)), path]),
  )
}

function isTest(path: string): boolean {
  return /^(test_.*|.*_test|conftest)\.py$/.test(posix.basename(path))
}

function endsAtPart(path: string, tail: string): boolean {
  return path === tail || path.endsWith(`/${tail}`)
}

function importedFiles(
  from: string,
  [module, dots, , , , members]: ImportFact,
  modules: ReadonlyMap<string, readonly string[]>,
): string[] {
  const base = dots === 0 ? '' : posix.join(posix.dirname(from), '../'.repeat(dots - 1))
  const name = module.replaceAll('.', '/')
  const candidates = [name, ...members.map((member) => posix.join(name, member))].filter(
    (candidate) => candidate !== '',
  )
  if (dots > 0) return candidates.flatMap((c) => [posix.join(base, `${c}.py`), posix.join(base, c, '__init__.py')])
  const near = modules.get(module.split('.')[0] ?? '') ?? []
  const tails = candidates.flatMap((candidate) => [`${candidate}.py`, `${candidate}/__init__.py`])
  return near.filter((path) => tails.some((tail) => endsAtPart(path, tail)))
}

function judgeFile(
  path: string,
  environment: string,
  sources: Sources,
  modules: ReadonlyMap<string, readonly string[]>,
): Finding[] {
  const facts = sources.facts[environment]
  const file = facts?.files[path]
  if (facts === undefined || file === undefined) return []
  if (file.syntax !== undefined) return [syntaxFinding(path, file.syntax, 'error')]
  const provided = new Set(facts.provided)
  return (file.imports ?? []).flatMap(([module, dots, line, column, kind]) => {
    const top = module.split('.')[0] ?? ''
    if (dots > 0 || kind === 'optional' || provided.has(top) || modules.has(top)) return []
    const severity = kind === 'now' ? 'error' : 'warning'
    return [{ severity, file: path, line, column, message: missingModule(module, top, environment, sources) }]
  })
}

function missingModule(module: string, top: string, environment: string, { facts }: Sources): string {
  const elsewhere = Object.entries(facts).find(([name, other]) => name !== environment && other.provided.includes(top))
  const where = `no package of environment ${shortName(environment)} provides "${module}"`
  const fix = `Add ${KNOWN_PACKAGES[top] ?? top} to its dependencies`
  return elsewhere === undefined
    ? `${where}. ${fix}.`
    : `${where}. ${fix}, or let the step use \`build: ${shortName(elsewhere[0])}\`, which has it.`
}

/** `environment:dev` is the key of a step; people know it as `dev`. */
function shortName(environment: string): string {
  return environment.replace(/^environment(:|$)/, '') || DEFAULT_ENVIRONMENT
}

function syntaxFinding(
  file: string,
  [line, column, message]: NonNullable<FileFacts['syntax']>,
  severity: Finding['severity'],
): Finding {
  return { severity, file, line, column: Math.max(1, column), message: `${SYNTAX_ERROR}${message}` }
}

const SYNTAX_ERROR = 'syntax error: '

function isSyntaxError({ message }: Finding): boolean {
  return message.startsWith(SYNTAX_ERROR)
}

/** A file that nothing runs may be a template or for another Python: worth a word, no reason to stop. */
function findUnusedSyntaxErrors({ facts }: Sources, known: ReadonlyMap<string, Finding>): Finding[] {
  const told = new Set([...known.values()].map((finding) => finding.file))
  return Object.values(facts).flatMap(({ files }) =>
    Object.entries(files).flatMap(([path, { syntax }]) =>
      syntax === undefined || told.has(path) ? [] : [syntaxFinding(path, syntax, 'warning')],
    ),
  )
}

/**
 * Packages that somebody asked for and no source imports. Those with commands or plug-ins of their own (pytest,
 * ruff) are used in other ways, and so may be what a command of the pipeline names.
 */
function findUnusedPackages({ facts, requirements, commands, pipelineFile }: Sources): Finding[] {
  const words = new Set(commands.flatMap(({ run }) => run.split(/[^\w.-]+/)).map(normalise))
  return Object.entries(requirements).flatMap(([environment, wanted]) => {
    const { files = {}, packages = {} } = facts[environment] ?? {}
    const imported = new Set(
      Object.values(files).flatMap((file) => (file.imports ?? []).map(([module]) => module.split('.')[0] ?? '')),
    )
    return wanted.flatMap(({ name, file, line }) => {
      const found = packages[name]
      const isUsed =
        found === undefined ||
        found.scripts ||
        LOADED_BY_OTHERS.has(name) ||
        /^types-|-stubs$/.test(name) ||
        words.has(name) ||
        found.modules.some((module) => imported.has(module))
      if (isUsed || found.modules.length === 0 || pipelineFile.text.includes(name)) return []
      const message = `nothing imports ${name}, which environment ${shortName(environment)} installs`
      return [{ severity: 'warning', file, line, column: 1, message } as const]
    })
  })
}

function largeFile(path: string, sizeBytes: number): Finding {
  const size = `${Math.round(sizeBytes / 2 ** 20)} MiB`
  const message = `${path} has ${size} and is kept in git for ever: every clone brings it. Declare it under \`data:\` instead`
  return { severity: 'warning', file: path, line: 1, column: 1, message }
}

function findMissingScripts({ commands, paths, dataPaths, facts, pipelineFile }: Sources): Finding[] {
  const environments = new Map(commands.map(({ step, environment }) => [step, environment]))
  const isInstalled = (step: string, module: string): boolean =>
    facts[environments.get(step) ?? '']?.provided.includes(module.split('.')[0] ?? '') === true
  const placeOf = placesIn(pipelineFile)
  return missingScripts(commands, paths, dataPaths)
    .filter(({ step, module }) => module === undefined || !isInstalled(step, module))
    .map(({ step, path, module, message }) => {
      const { line, column } = placeOf(step, module ?? path)
      return { severity: 'error', file: pipelineFile.path, line, column, message }
    })
}

/** Where the command of a step names a file; of a member of a matrix (`unit (1)`) where its step does. */
function placesIn({
  path,
  text,
}: Sources['pipelineFile']): (step: string, word: string) => { line: number; column: number } {
  const { value, problemAt } = readYaml(text, path)
  const steps = value as { steps?: Record<string, { run?: unknown } | null> } | null | undefined
  return (step, word) => {
    const name = step.replace(/ \(.*/s, '')
    const run = steps?.steps?.[name]?.run
    const at = typeof run === 'string' ? run.indexOf(word) : -1
    const inside = typeof run === 'string' && at >= 0 ? { inside: { text: run, at } } : {}
    return problemAt(['steps', name, 'run'], '', inside)
  }
}
