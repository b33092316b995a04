/** The end of an axis of seconds: round in the unit that such times are told in. */
export function niceSeconds(most: number): number {
  const unit = most > 3_600 ? 3_600 : most > 60 ? 60 : 1
  return niceEnd(most / unit) * unit
}

/** The end of an axis from 0 that holds `most`, so that its half is a round number as well: 1, 2, 4, 6 or 10 of a power. */
function niceEnd(most: number): number {
  if (most <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(most))
  const step = [1, 2, 4, 6, 10].find((candidate) => most <= candidate * power) ?? 10
  return step * power
}
