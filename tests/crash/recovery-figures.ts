export interface RecoveryFigures {
  readonly kills: number
  readonly p50: number
  readonly p95: number
  readonly max: number
}

/** Of starts after a kill, in milliseconds; those that were killed before they were up count as kills only. */
export function figuresOf(starts: readonly (number | undefined)[]): RecoveryFigures {
  const sorted = starts.filter((ms) => ms !== undefined).sort((a, b) => a - b)
  const at = (quantile: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0)
  return { kills: starts.length, p50: at(0.5), p95: at(0.95), max: at(1) }
}
