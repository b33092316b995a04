/** What a monitor saw in one window. `too-few-rows` is neither good nor bad: it says nothing yet. */
export interface MonitorFinding {
  readonly state: 'ok' | 'trouble' | 'too-few-rows'
  /** One sentence with the numbers. */
  readonly summary: string
  /** JSON: what the decision was made from, enough to make it again. */
  readonly evidence: Readonly<Record<string, unknown>>
}

/** 0.1234 as `12.3 %`; small shares keep a digit that is not 0. */
export function percent(share: number): string {
  const value = share * 100
  return `${value !== 0 && Math.abs(value) < 0.1 ? Number(value.toPrecision(1)) : Number(value.toFixed(1))} %`
}

/** `a, b, c and 4 more`. */
export function nameSome(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most).join(', ')
  return names.length > most ? `${shown} and ${names.length - most} more` : shown
}
