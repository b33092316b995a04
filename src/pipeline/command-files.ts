import { posix } from 'node:path'
import { shellCommands, type Chain, type Link, type ShellCommand, type ShellList } from './shell-commands.ts'
import { startedPython, startedShell, unwrapped } from './started-program.ts'
import { testPaths } from './test-paths.ts'

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
 * after `cd`, `&&` and environment assignments. What it cannot be sure of (variables, globs, what runs only on a
 * condition) it leaves out: a finding must never be wrong.
 */
export function readCommand(run: string): CommandFiles {
  const reader = new CommandReader()
  reader.read(run, true)
  return reader.files()
}

class CommandReader {
  readonly #scripts: string[] = []
  readonly #perhapsMade: string[] = []
  readonly #modules: StartedModule[] = []
  readonly #tests: string[] = []
  /** Names of files that redirections write. */
  readonly #written = new Set<string>()
  readonly #functions = new Map<string, { readonly moves: boolean; readonly ends: boolean }>()
  /** Something before may have made any file. */
  #mayHaveMade = false
  /** Something before may have put packages somewhere: pip, or a module (`zipfile`). */
  #mayHaveInstalled = false
  /** Where commands run now; undefined: it is not known. */
  #folder: string | undefined = '.'
  #pushed: (string | undefined)[] = []
  #moves = 0
  /** What follows may not be reached: after `exit`, also where that stands on a condition. */
  #mayHaveEnded = false
  #depth = 0

  files(): CommandFiles {
    const written = this.#scripts.filter((path) => this.#written.has(posix.basename(path)))
    return {
      scripts: this.#scripts,
      perhapsMade: [...new Set([...this.#perhapsMade, ...written])],
      modules: this.#modules,
      tests: this.#tests,
    }
  }

  /** Code of a shell of its own. */
  read(code: string, isCertain: boolean): void {
    const list = this.#depth >= DEEPEST ? undefined : shellCommands(code)
    if (list === undefined) {
      this.#mayHaveMade = true
      return
    }
    this.#depth += 1
    this.#apart(() => this.#list(list, isCertain))
    this.#depth -= 1
  }

  /** What a subshell does to its folder, and that it ends, is its own matter. */
  #apart(work: () => void): void {
    const [folder, pushed, mayHaveEnded] = [this.#folder, this.#pushed, this.#mayHaveEnded]
    this.#pushed = [...pushed]
    work()
    this.#folder = folder
    this.#pushed = pushed
    this.#mayHaveEnded = mayHaveEnded
  }

  #list(list: ShellList, isCertain: boolean): void {
    for (const chain of list) {
      if (chain.isBackground) this.#apart(() => this.#chain(chain, isCertain))
      else this.#chain(chain, isCertain)
    }
  }

  /** A failure before `||` is foreseen, unless what follows fails as well. */
  #chain({ links }: Chain, isCertain: boolean): void {
    const alternative = links.findIndex(({ after }) => after === '||')
    const last = links.findLastIndex(({ after }) => after === '||')
    const failsAnyway = alternative >= 0 && fails(links.slice(last))
    let sure = isCertain && (alternative === -1 || failsAnyway)
    const [mayHaveEnded, moves] = [this.#mayHaveEnded, this.#moves]
    let sureMoves = 0
    for (const [index, link] of links.entries()) {
      if (index === alternative) sure = false
      const before = this.#moves
      this.#link(link, sure && !link.isNegated)
      if (sure && !link.isNegated) sureMoves += this.#moves - before
      if (link.isNegated || link.commands.some(asks)) sure = false
    }
    if (failsAnyway) this.#mayHaveEnded = mayHaveEnded
    // `cd x || true`
    if (isCertain && this.#moves - moves > sureMoves) this.#folder = undefined
  }

  #link({ commands }: Link, isCertain: boolean): void {
    const [only] = commands
    if (commands.length === 1 && only !== undefined) this.#command(only, isCertain)
    else for (const command of commands) this.#apart(() => this.#command(command, isCertain))
  }

  #command(command: ShellCommand, isCertain: boolean): void {
    for (const code of command.inner) this.read(code, false)
    this.#one(command, isCertain)
    for (const target of command.writes) {
      if (isPlain(target)) this.#written.add(posix.basename(target))
      else this.#mayHaveMade = true
    }
  }

  #one(command: ShellCommand, isCertain: boolean): void {
    if (command.kind === 'simple') this.#simple(command.words, isCertain)
    else if (command.kind === 'subshell') this.#apart(() => this.#list(command.body, isCertain))
    else if (command.kind === 'braces') this.#list(command.body, isCertain)
    else if (command.kind === 'choice' || command.kind === 'for') this.#perhaps(command, isCertain)
    else this.#define(command.name, command.body)
  }

  /** Runs not at all, or many times: where it then is depends on how often it has moved. */
  #perhaps(command: Extract<ShellCommand, { kind: 'choice' | 'for' }>, isCertain: boolean): void {
    const moves = this.#moves
    if (command.kind === 'choice') for (const part of command.parts) this.#list(part, false)
    else this.#list(command.body, isCertain && command.words?.some((word) => !word.includes('$')) === true)
    if (this.#moves !== moves) this.#folder = undefined
  }

  #define(name: string, body: ShellCommand): void {
    const moves = this.#moves
    this.#apart(() => {
      this.#mayHaveEnded = false
      this.#command(body, false)
      this.#functions.set(name, { moves: this.#moves !== moves, ends: this.#mayHaveEnded })
    })
  }

  #simple(given: readonly string[], isCertain: boolean): void {
    const words = given.slice(given.findIndex((word) => !ASSIGNMENT.test(word)))
    if (words.every((word) => ASSIGNMENT.test(word))) return
    const own = this.#functions.get(words[0] ?? '')
    if (own !== undefined) return this.#call(own)
    const started = unwrapped(words)
    this.#start(started, isCertain && !this.#mayHaveEnded)
    if (words[0] === 'exec' && words.length > 1) this.#mayHaveEnded = true
  }

  #call({ moves, ends }: { readonly moves: boolean; readonly ends: boolean }): void {
    this.#mayHaveMade = true
    if (moves) this.#move(undefined)
    if (ends) this.#mayHaveEnded = true
  }

  #start([program = '', ...args]: readonly string[], isCertain: boolean): void {
    const name = posix.basename(program)
    if (MOVES.has(name)) return this.#moveBy(name, args)
    if (ENDS.has(name)) {
      // With any other number the step fails, and needs nothing more.
      if (!/^[1-9]\d*$/.test(args[0] ?? '')) this.#mayHaveEnded = true
    } else if (PYTHON.test(name)) this.#python(args, isCertain)
    else if (PYTEST.has(name)) this.#addTests(args, isCertain)
    else if (SHELLS.has(name)) this.#shell(args, isCertain)
    else if (INSTALLERS.test(name)) this.#install(name, args)
    else if (/^\.\.?\//.test(program)) {
      this.#addScript(program, isCertain)
      this.#mayHaveMade = true
    } else if (!MAKES_NO_SCRIPT.has(name)) this.#mayHaveMade = true
  }

  #moveBy(name: string, args: readonly string[]): void {
    const [to, ...others] = args
    if (name === 'popd') return this.#move(args.length === 0 ? this.#pushed.pop() : undefined)
    if (name === 'pushd') this.#pushed.push(this.#folder)
    const isKnown = to !== undefined && others.length === 0 && isPlain(to) && !/^[-+/]/.test(to)
    this.#move(isKnown && this.#folder !== undefined ? inside(this.#folder, to) : undefined)
  }

  #move(folder: string | undefined): void {
    this.#folder = folder
    this.#moves += 1
  }

  #install(name: string, args: readonly string[]): void {
    this.#mayHaveInstalled = true
    const isInstall = /^(uv|poetry|conda)/.test(name)
      ? !args.includes('run') && args[0] !== 'venv'
      : args[0] === 'install'
    if (!isInstall || args.some((arg) => /^(-t|--target|--prefix|--root|-p|--src)\b/.test(arg)))
      this.#mayHaveMade = true
  }

  #python(args: readonly string[], isCertain: boolean): void {
    const { kind, word, rest } = startedPython(args)
    if (kind === 'script') return this.#addScript(word, isCertain)
    if (kind === 'module' && word === 'pytest') return this.#addTests(rest, isCertain)
    if (kind === 'module' && word === 'pip') return this.#install(word, rest)
    if (kind === 'module') this.#addModule(word, isCertain)
    if (kind !== 'nothing') this.#mayHaveMade = true
  }

  #addModule(name: string, isCertain: boolean): void {
    const folder = this.#folder
    if (isCertain && folder !== undefined && isPlain(name)) {
      this.#modules.push({ name, folder, isPerhapsMade: this.#mayHaveMade || this.#mayHaveInstalled })
    }
    this.#mayHaveInstalled = true
  }

  #shell(args: readonly string[], isCertain: boolean): void {
    const { isCode, word } = startedShell(args)
    if (isCode) return this.read(word, isCertain)
    // A name alone may also be found on the PATH.
    if (/[./]/.test(word)) this.#addScript(word, isCertain)
    this.#mayHaveMade = true
  }

  #addScript(path: string, isCertain: boolean): void {
    const script = this.#below(path)
    if (script === undefined || !isCertain) return
    this.#scripts.push(script)
    if (this.#mayHaveMade) this.#perhapsMade.push(script)
  }

  #addTests(args: readonly string[], isCertain: boolean): void {
    const paths = testPaths(args)?.map((path) => this.#below(path))
    if (!isCertain || paths === undefined || paths.includes(undefined)) return
    const known = paths.filter((path) => path !== undefined)
    this.#tests.push(...known)
    if (this.#mayHaveMade) this.#perhapsMade.push(...known)
  }

  /** A path of the repository; what stands outside of it is not known here. */
  #below(path: string): string | undefined {
    if (this.#folder === undefined || !isPlain(path) || path.startsWith('/')) return undefined
    return inside(this.#folder, path)
  }
}

/** Code inside code inside code. */
const DEEPEST = 10

const ASSIGNMENT = /^[A-Za-z_]\w*\+?=/
const PYTHON = /^python(3(\.\d+)?)?$/
const PYTEST = new Set(['pytest', 'py.test'])
const SHELLS = new Set(['sh', 'bash', 'dash', 'zsh', 'ksh'])
const INSTALLERS = /^(pip|uv|poetry|conda)/
const MOVES = new Set(['cd', 'pushd', 'popd'])
/** Leaves the script, the loop or the function. */
const ENDS = new Set(['exit', 'return', 'break', 'continue'])

/** Of all other programs (`cp`, `curl`, `git clone`, `make`) it is not known what they leave. */
const MAKES_NO_SCRIPT = new Set(
  'echo printf set export unset true false : test [ [[ (( mkdir rm ls cat pwd env date sleep ruff mypy exec time'.split(
    ' ',
  ),
)

/** Programs that answer with how they end: what follows runs only for one of the answers. */
const QUESTIONS = new Set('test [ [[ (( false grep egrep ls command which type hash diff cmp expr let'.split(' '))

function asks(command: ShellCommand): boolean {
  if (command.kind === 'choice' || command.kind === 'for') return false
  if (command.kind !== 'simple') return true
  const [program = '', ...args] = command.words
  return QUESTIONS.has(program) || (PYTHON.test(posix.basename(program)) && startedPython(args).kind === 'code')
}

/** `exit 1`, also as the last word of a group. */
function fails(links: readonly Link[]): boolean {
  const command = links.at(-1)?.commands.at(-1)
  if (command === undefined) return false
  if (command.kind === 'braces' || command.kind === 'subshell') return fails(command.body.at(-1)?.links ?? [])
  if (command.kind !== 'simple') return false
  const [program, status] = command.words
  return program === 'false' || (program === 'exit' && (status === undefined || /^[1-9]\d*$/.test(status)))
}

function inside(folder: string, path: string): string | undefined {
  const joined = posix.join(folder, path)
  return joined === '..' || joined.startsWith('../') ? undefined : joined
}

export function isPlain(word: string): boolean {
  return word !== '' && !/[$`*?[\]{}()<>"'\\~]/.test(word)
}
