/**
 * Spreads files over `parts` so that all take about as long: the longest first, each to the part that has the
 * least so far. A file that nobody has timed counts as the middle one of the others, and comes after them, so
 * that new files are spread too. The same files and times always give the same parts; each file is in one.
 */
export function splitTests(
  files: readonly string[],
  parts: number,
  secondsOf: (path: string) => number | undefined,
): string[][] {
  const unique = [...new Set(files)].toSorted(byName)
  const timed = unique.flatMap((path) => {
    const seconds = secondsOf(path)
    return seconds === undefined ? [] : [{ path, seconds }]
  })
  const middle = timed.map(({ seconds }) => seconds).toSorted((a, b) => a - b)[Math.floor(timed.length / 2)] ?? 1
  const known = new Set(timed.map(({ path }) => path))
  const untimed = unique.filter((path) => !known.has(path)).map((path) => ({ path, seconds: middle }))
  const shares = Array.from({ length: parts }, () => ({ seconds: 0, files: [] as string[] }))
  for (const { path, seconds } of [...timed.toSorted((a, b) => b.seconds - a.seconds), ...untimed]) {
    const lightest = shares.reduce((best, share) => (isLighter(share, best) ? share : best))
    lightest.seconds += seconds
    lightest.files.push(path)
  }
  return shares.map((share) => share.files.toSorted(byName))
}

interface Share {
  readonly seconds: number
  readonly files: readonly string[]
}

function isLighter(share: Share, other: Share): boolean {
  return share.seconds < other.seconds || (share.seconds === other.seconds && share.files.length < other.files.length)
}

function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
