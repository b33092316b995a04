import { logFileOf, readLog } from './logs.ts'
import type { AttemptContext } from './engine-options.ts'
import type { Kernel } from './kernel.ts'
import { statSync } from 'node:fs'

const LOG_BYTES = 64 << 10
const MOST_NAMED = 3
const MOST_MODULES = 20

/**
 * A step that declares `deps` sees nothing else, which is easily forgotten: where its log complains of a file
 * that the commit has, the failure says so. Undefined: nothing of the kind.
 */
export async function hintHiddenFiles(kernel: Kernel, context: AttemptContext): Promise<string | undefined> {
  const { step, run, attempt } = context
  if (step.work.kind !== 'command' || step.deps === undefined) return undefined
  const known = new Set((await kernel.sourceFiles(run)).map(({ path }) => path))
  const shown = new Set(step.deps.flatMap((dep) => (dep.includes('*') ? [] : [dep.replace(/\/$/, '')])))
  const hidden = [...missingPaths(await endOfLog(attempt.folder), known)].filter((path) => !isShown(path, shown))
  if (hidden.length === 0) return undefined
  const names = hidden.slice(0, MOST_NAMED).join(', ')
  const more = hidden.length > MOST_NAMED ? ` and ${hidden.length - MOST_NAMED} more` : ''
  const [exist, are] = hidden.length === 1 ? ['exists', 'is'] : ['exist', 'are']
  return `${names}${more} ${exist} in the commit, but ${are} not in \`deps\` of step ${step.key}.`
}

function isShown(path: string, shown: ReadonlySet<string>): boolean {
  return [...shown].some((dep) => path === dep || path.startsWith(`${dep}/`))
}

/**
 * What shells, Python and compilers say of a file that is not there. Logs hold anything, and nobody waits for a pattern: each
 * begins where a word does, and takes no more of it than a path may have.
 */
const COMPLAINTS: readonly RegExp[] = [
  /No such file or directory: b?['"]([^'"\n]{1,4096})['"]/g,
  /can't open file ['"]([^'"\n]{1,4096})['"]/g,
  /(?<![^\s:'"`])([^\s:'"`]{1,4096}): No such file or directory/g,
  /(?:can't|cannot) (?:open|access|stat) ['"]?([^\s'":]{1,4096})['"]?: No such file/g,
  /cannot open ([^\s:]{1,4096}): No such file/g,
]
const MISSING_MODULE = /ModuleNotFoundError: No module named ['"]([\w.]+)['"]/g

function missingPaths(log: string, known: ReadonlySet<string>): Set<string> {
  const found = new Set<string>()
  for (const complaint of COMPLAINTS) {
    for (const [, named = ''] of log.matchAll(complaint)) {
      const path = inCommit(named, known)
      if (path !== undefined) found.add(path)
    }
  }
  const modules = new Set([...log.matchAll(MISSING_MODULE)].map(([, module = '']) => module))
  for (const module of [...modules].slice(0, MOST_MODULES)) {
    const path = module.replaceAll('.', '/')
    const file = [...known].find(
      (each) => endsWithPath(each, `${path}.py`) || endsWithPath(each, `${path}/__init__.py`),
    )
    if (file !== undefined) found.add(file)
  }
  return found
}

/** As it was named, or below the workspace, whose path nobody here knows by heart. */
function inCommit(named: string, known: ReadonlySet<string>): string | undefined {
  const path = named.replace(/^\.\//, '')
  if (known.has(path)) return path
  if (!path.startsWith('/')) return undefined
  const parts = path.split('/')
  for (let from = 1; from < parts.length; from++) {
    const rest = parts.slice(from).join('/')
    if (known.has(rest)) return rest
  }
  return undefined
}

function endsWithPath(path: string, end: string): boolean {
  return path === end || path.endsWith(`/${end}`)
}

async function endOfLog(attemptFolder: string): Promise<string> {
  const file = logFileOf(attemptFolder)
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  const { bytes } = await readLog(file, Math.max(0, size - LOG_BYTES), LOG_BYTES)
  return Buffer.from(bytes).toString('utf8')
}
