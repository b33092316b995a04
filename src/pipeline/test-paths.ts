/** The tests that pytest is pointed at, `.` where it finds them by itself; undefined: it is not known which. */
export function testPaths(args: readonly string[]): readonly string[] | undefined {
  if (args.some((arg) => ELSEWHERE.test(arg))) return undefined
  const words = args.filter((arg, i) => !arg.startsWith('-') && !takesValue(args[i - 1]))
  const paths = words.map((word) => word.split('::')[0] ?? '')
  if (paths.some((path) => /^@|[$*?[\]{}]/.test(path))) return undefined
  if (paths.length > 0) return paths
  // What follows an option of a plug-in may well be the path.
  return args.some((arg, i) => !arg.startsWith('-') && mayBeFlag(args[i - 1])) ? undefined : ['.']
}

/** Names of packages in place of paths; some of the files are left out. */
const ELSEWHERE = /^--(pyargs|ignore|ignore-glob)(=|$)/

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
