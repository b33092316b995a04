/** What an interpreter of Python is told to run. */
export interface StartedPython {
  /** `code`: of an argument, or of its input. `nothing`: it only says its version. */
  readonly kind: 'script' | 'module' | 'code' | 'nothing'
  /** The path, or the module's name. */
  readonly word: string
  readonly rest: readonly string[]
}

export function startedPython(args: readonly string[]): StartedPython {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (arg === '-') break
    if (arg === '--check-hash-based-pycs') i++
    else if (/^(-V+|-h|-\?|--version|--help.*)$/.test(arg)) return { kind: 'nothing', word: '', rest: [] }
    else if (!arg.startsWith('-')) return { kind: 'script', word: arg, rest: args.slice(i + 1) }
    else if (!arg.startsWith('--')) {
      // `-um pkg`, `-Wignore`: the first of these letters takes the rest of the word, or the next one.
      const { letter, value = '' } = /^-[^cmWX]*(?<letter>[cmWX])(?<value>.*)$/s.exec(arg)?.groups ?? {}
      if (letter === 'c') break
      if (letter !== undefined && value === '') i++
      if (letter === 'm') return { kind: 'module', word: value || (args[i] ?? ''), rest: args.slice(i + 1) }
    }
  }
  return { kind: 'code', word: '', rest: [] }
}

/** The script of a shell, or its code; `''`: what it reads from its input. */
export function startedShell(args: readonly string[]): { readonly isCode: boolean; readonly word: string } {
  let isCode = false
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (arg === '--' || arg === '-') return { isCode, word: args[i + 1] ?? '' }
    if (!/^[-+]/.test(arg)) return { isCode, word: arg }
    if (arg.startsWith('--')) i += /^--(rcfile|init-file)$/.test(arg) ? 1 : 0
    else {
      if (arg.startsWith('-') && arg.includes('c')) isCode = true
      if (arg.startsWith('-') && arg.includes('s') && !isCode) return { isCode, word: '' }
      // `-euo pipefail`
      i += arg.replaceAll(/[^oO]/g, '').length
    }
  }
  return { isCode: false, word: '' }
}

/**
 * The command that another one starts: of `env A=1 nice -n 5 python x.py` it is `python x.py`. Where an option is not
 * known the words stay as they are, and nobody knows what this program does.
 */
export function unwrapped(words: readonly string[]): readonly string[] {
  for (let own = words; ;) {
    const inner = innerCommand(own)
    if (inner === undefined || inner.length === 0) return own
    own = inner
  }
}

interface Wrapper {
  /** Options without a value. */
  readonly flags?: RegExp
  /** Options with one, as a word of its own. */
  readonly withValue?: RegExp
  /** Words before the command. */
  readonly operands?: number
}

const WRAPPERS: Readonly<Record<string, Wrapper>> = {
  exec: {},
  builtin: {},
  command: {},
  nohup: {},
  time: { flags: /^-[pv]+$/, withValue: /^-[fo]$/ },
  env: { flags: /^-i$|^--ignore-environment$|^--unset=/, withValue: /^-u$|^--unset$/ },
  nice: { flags: /^-\d+$|^-n-?\d+$|^--adjustment=/, withValue: /^-n$|^--adjustment$/ },
  sudo: { flags: /^-[EHn]+$|^--preserve-env/, withValue: /^-[ug]$/ },
  timeout: {
    flags: /^--(foreground|preserve-status|signal=.*|kill-after=.*)$|^-v$/,
    withValue: /^-[sk]$/,
    operands: 1,
  },
  stdbuf: { flags: /^-[ioe][0L\d]+$/, withValue: /^-[ioe]$/ },
  'uv run': {
    flags: /^--(frozen|locked|no-sync|all-extras|no-dev|quiet)$|^-q$/,
    withValue: /^--(with|extra|group|python)$|^-p$/,
  },
  'poetry run': {},
  'pipenv run': {},
  'conda run': { flags: /^--(no-capture-output|live-stream)$/, withValue: /^-[np]$|^--(name|prefix)$/ },
}

function innerCommand([program = '', ...args]: readonly string[]): readonly string[] | undefined {
  const alone = Object.hasOwn(WRAPPERS, program) ? WRAPPERS[program] : undefined
  const runner = Object.hasOwn(WRAPPERS, `${program} ${args[0]}`) ? WRAPPERS[`${program} ${args[0]}`] : undefined
  const wrapper = alone ?? runner
  if (wrapper === undefined) return undefined
  let i = runner === undefined ? 0 : 1
  for (; args[i]?.startsWith('-') === true; i++) {
    const arg = args[i] ?? ''
    if (arg === '--') {
      i++
      break
    }
    if (wrapper.withValue?.test(arg) === true) i++
    else if (wrapper.flags?.test(arg) !== true) return undefined
  }
  i += wrapper.operands ?? 0
  // `sudo` and `env` take assignments before the command.
  while (/^[A-Za-z_]\w*=/.test(args[i] ?? '')) i++
  const inner = args.slice(i)
  // `uv run train.py` is Python's.
  return program === 'uv' && inner[0]?.endsWith('.py') === true ? ['python', ...inner] : inner
}
