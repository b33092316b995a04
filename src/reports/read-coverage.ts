/**
 * The share of lines that tests ran, 0..1, of a Cobertura XML or an LCOV file; undefined for what is neither.
 * Only totals are read, by their fixed shapes: nothing in the file is expanded or followed.
 */
export function readCoverage(text: string): number | undefined {
  const cobertura = /<coverage\b[^>]*?\bline-rate="([0-9.]+)"/.exec(text.slice(0, 65_536))
  if (cobertura !== null) return asShare(Number(cobertura[1]))
  let found = 0
  let hit = 0
  for (const match of text.matchAll(/^(LF|LH):(\d+)$/gm)) {
    if (match[1] === 'LF') found += Number(match[2])
    else hit += Number(match[2])
  }
  return found === 0 ? undefined : asShare(hit / found)
}

function asShare(value: number): number | undefined {
  return value >= 0 && value <= 1 ? value : undefined
}
