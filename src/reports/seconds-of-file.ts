interface SuiteSeconds {
  readonly suite: string
  readonly file: string
  readonly seconds: number
}

/**
 * How long the tests of a file took. Runners that do not name a test's file name its module instead:
 * `tests.unit.test_model`, and below it a class.
 */
export function secondsOf(suites: readonly SuiteSeconds[]): (path: string) => number | undefined {
  const byFile = new Map<string, number>()
  const bySuite = new Map<string, number>()
  for (const { suite, file, seconds } of suites) {
    const [map, key] = file === '' ? ([bySuite, suite] as const) : ([byFile, file] as const)
    map.set(key, (map.get(key) ?? 0) + seconds)
  }
  return (path) => {
    const named = byFile.get(path)
    if (named !== undefined) return named
    const module = path.replace(/\.[^./]+$/, '').replaceAll('/', '.')
    const own = [...bySuite].filter(([suite]) => suite === module || suite === path || suite.startsWith(`${module}.`))
    return own.length === 0 ? undefined : own.reduce((sum, [, seconds]) => sum + seconds, 0)
  }
}
