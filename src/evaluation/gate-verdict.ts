export type GateOutcome = 'pass' | 'fail' | 'inconclusive' | 'not-applicable'

export interface GateVerdict {
  readonly outcome: GateOutcome
  /** One sentence with the numbers, for people. */
  readonly summary: string
  /** The numbers themselves: plain JSON. */
  readonly evidence: Readonly<Record<string, unknown>>
}

export function inconclusive(summary: string, evidence: GateVerdict['evidence'] = {}): GateVerdict {
  return { outcome: 'inconclusive', summary, evidence }
}

/** Three digits that matter: 0.842, 12.3, 0.0131. */
export function shown(value: number): string {
  if (value === 0 || Math.abs(value) >= 0.0995) return value.toFixed(Math.abs(value) >= 100 ? 0 : 3)
  return String(Number(value.toPrecision(2)))
}

export function percent(confidence: number): string {
  return `${Number((confidence * 100).toPrecision(4))} %`
}
