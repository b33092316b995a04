import { posix } from 'node:path'

/** Files that a shell command starts, as far as they can be read off it. */
export interface CommandFiles {
  /** Scripts that must exist when they are started, relative to the repository. */
  readonly scripts: readonly string[]
  /** Those of them that the command itself may have written or fetched before. */
  readonly perhapsMade: readonly string[]
  /** What `python -m` names. */
  readonly modules: readonly StartedModule[]
  /** What a test runner is pointed at; `.` where it finds tests by itself. */
  readonly tests: readonly string[]
}

export interface StartedModule {
  /** `churn.train`. */
  readonly name: string
  /** Where it is looked for first: the folder that the command is in. */
  readonly folder: string
  /** The command itself may have written, fetched or installed it before. */
  readonly isPerhapsMade: boolean
}

/** The files that would be this module, below the folder that it is looked for in. */
export function moduleFiles(name: string, folder: string): readonly [string, string] {
  const path = posix.join(folder, ...name.split('.'))
  return [`${path}.py`, `${path}/__main__.py`]
}

/** The packages around a module, outermost first, which run before it. */
export function packagesAround(name: string, folder: string): string[] {
  const parts = name.split('.')
  return parts.map((_, index) => posix.join(folder, ...parts.slice(0, index + 1), '__init__.py'))
}

/**
 * Reads the simple cases of a command: `python train.py`, `python -m pkg`, `pytest tests/unit`, `sh make.sh`,
 * after `cd`, `&&` and environment assignments. What it cannot be sure of (variables, globs) it leaves out:
 * a finding must never be wrong.
 */
export function readCommand(run: string): CommandFiles {
  const found: Found = {
    scripts: [],
    perhapsMade: [],
    modules: [],
    tests: [],
    mayHaveMade: false,
    mayHaveInstalled: false,
  }
  let folder: string | undefined = '.'
  for (const words of simpleCommands(run)) {
    const [program = '', ...args] = words
    const name = posix.basename(program)
    if (name === 'cd') {
      folder =
        folder === undefined || args[0] === undefined || !isPlain(args[0]) ? undefined : posix.join(folder, args[0])
    } else if (folder !== undefined) readOne(program, name, args, folder, found)
  }
  const written = new Set([...run.matchAll(REDIRECTION)].map(([, path = '']) => posix.basename(path)))
  const perhapsMade = found.scripts.filter((path) => written.has(posix.basename(path)))
  const { mayHaveMade: _made, mayHaveInstalled: _installed, ...files } = found
  return { ...files, perhapsMade: [...new Set([...found.perhapsMade, ...perhapsMade])] }
}

const REDIRECTION = />\s*["']?([^\s"'&;|<>]+)/g

interface Found {
  readonly scripts: string[]
  readonly perhapsMade: string[]
  /** Something before may have made any file. */
  mayHaveMade: boolean
  /** Something before may have put packages somewhere: pip, or a module (`zipfile`). */
  mayHaveInstalled: boolean
  readonly modules: StartedModule[]
  readonly tests: string[]
}

function readOne(program: string, name: string, args: readonly string[], folder: string, found: Found): void {
  if (/^(pip|uv|poetry|conda)/.test(name)) found.mayHaveInstalled = true
  if (/^python(3(\.\d+)?)?$/.test(name)) readPython(args, folder, found)
  else if (name === 'pytest') readTests(args, folder, found)
  else if (/^(sh|bash)$/.test(name))
    addScript(
      args.find((arg) => !arg.startsWith('-')),
      folder,
      args.includes('-c'),
      found,
    )
  else if (/^\.\.?\//.test(program)) addScript(program, folder, false, found)
  else if (!MAKES_NO_SCRIPT.has(name)) found.mayHaveMade = true
}

/** Of all other programs (`cp`, `curl`, `git clone`, `make`) it is not known what they leave. */
const MAKES_NO_SCRIPT = new Set(
  'echo printf set export unset true false test [ mkdir rm ls cat pwd env date sleep pip uv ruff mypy if then else fi for do done while'.split(
    ' ',
  ),
)

/** Options of the interpreter that take a value of their own. */
const WITH_VALUE = new Set(['-W', '-X', '--check-hash-based-pycs'])

function readPython(args: readonly string[], folder: string, found: Found): void {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (arg === '-c' || arg === '-') return
    if (arg === '-m') {
      const module = args[i + 1] ?? ''
      if (module === 'pytest') readTests(args.slice(i + 2), folder, found)
      else if (isPlain(module)) addModule(module, folder, found)
      return
    }
    if (WITH_VALUE.has(arg)) i++
    else if (!arg.startsWith('-')) return addScript(arg, folder, false, found)
  }
}

function addModule(name: string, folder: string, found: Found): void {
  found.modules.push({ name, folder, isPerhapsMade: found.mayHaveMade || found.mayHaveInstalled })
  found.mayHaveInstalled = true
}

function readTests(args: readonly string[], folder: string, found: Found): void {
  const paths = args.filter((arg, i) => isPlain(arg) && !arg.startsWith('-') && !takesValue(args[i - 1]))
  const named = paths.map((path) => posix.join(folder, path.split('::')[0] ?? ''))
  if (named.length > 0) found.tests.push(...named)
  else if (!args.some((arg, i) => !arg.startsWith('-') && mayBeFlag(args[i - 1]))) found.tests.push(folder)
}

/** Long options of pytest without a value. After any other one the next word may be its value, and is not taken for a path. */
const FLAGS = new Set(
  `verbose quiet exitfirst last-failed lf failed-first ff new-first nf stepwise sw stepwise-skip collect-only co
  strict-markers strict-config strict disable-warnings no-header no-summary runxfail setup-only setup-show full-trace
  pyargs cache-clear doctest-modules no-cov cov-append cov-branch forked showlocals noconftest trace pdb`.split(/\s+/),
)

/** Options that are written with a space before their value. */
function takesValue(option: string | undefined): boolean {
  if (option === undefined || !option.startsWith('-')) return false
  if (!option.startsWith('--')) return /^-[kmnpcoWr]$/.test(option)
  return !option.includes('=') && !FLAGS.has(option.slice(2))
}

/** Of a plug-in, perhaps: what follows it may well be the path. */
function mayBeFlag(option: string | undefined): boolean {
  return option !== undefined && option.startsWith('--') && takesValue(option) && !WITH_WORD.test(option)
}

const WITH_WORD =
  /^--(junit-?xml|junit-prefix|cov|cov-report|cov-config|cov-fail-under|rootdir|maxfail|ignore|ignore-glob|deselect|tb|durations|basetemp|timeout|reruns|import-mode|numprocesses|dist|color)$/

function addScript(path: string | undefined, folder: string, isCode: boolean, found: Found): void {
  if (path === undefined || isCode || !isPlain(path) || path.startsWith('/')) return
  const script = posix.join(folder, path)
  found.scripts.push(script)
  if (found.mayHaveMade) found.perhapsMade.push(script)
}

function isPlain(word: string): boolean {
  return word !== '' && !/[$`*?[\]{}()<>"'\\~]/.test(word)
}

/** Splits at `;`, `&&`, `||`, `|`, `&` and line ends outside quotes; drops assignments, redirections, comments. */
function simpleCommands(run: string): string[][] {
  const commands: string[][] = [[]]
  const joined = run.replaceAll(/\\\n/g, ' ')
  for (const [token] of joined.matchAll(/#[^\n]*|\n|&&|\|\||[;|&]|\d*[<>]+&?\s*\S+|(?:"[^"]*"|'[^']*'|[^\s;|&<>])+/g)) {
    if (token.startsWith('#') || /^\d*[<>]/.test(token)) continue
    if (/^(\n|&&|\|\||[;|&])$/.test(token)) commands.push([])
    else commands.at(-1)?.push(unquote(token))
  }
  return commands.map(dropAssignments).filter((words) => words.length > 0)
}

function dropAssignments(words: readonly string[]): string[] {
  const start = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word) && word !== 'exec' && word !== 'time')
  return start === -1 ? [] : words.slice(start)
}

function unquote(token: string): string {
  return /^(["'])[^"'$`\\]*\1$/.test(token) ? token.slice(1, -1) : token
}
