import { counted } from '../lib/counted.ts'
import { holm } from '../statistics/multiple-testing.ts'
import type { RareValues } from './gate-rows.ts'
import { inconclusive, type GateVerdict } from './gate-verdict.ts'

/** What a gate found for one value of a slice, or for all rows. */
export interface SliceFinding {
  readonly verdict: GateVerdict
  /** The least error with which it may be said that the value does not hold; 1 where nothing can be said. */
  readonly error: number
}

export interface SliceCase {
  readonly value: string
  readonly rows: number
  readonly find: () => SliceFinding
}

interface SlicedGate {
  readonly metric: string
  readonly slice?: string
  readonly minRows: number
}

/**
 * "Every value must hold."
 *
 * - Pass: every judged value passes by itself. That needs no correction: it is passed wrongly only when the value
 *   that truly does not hold passes, and each does that no more often than the gate's error.
 * - Fail: some value surely does not hold. Of twenty values one looks surely bad by chance alone, so the errors
 *   are Holm's: the chance that a candidate is refused although every value holds stays below `error`.
 * - Inconclusive: anything else, when no value has enough rows, and when a value that is not looked at, because
 *   others have more rows, may have enough. Values with fewer than `min-rows` are named and not judged.
 */
export function decideSlices(
  gate: SlicedGate,
  error: number,
  { cases: slices, rare }: { readonly cases: readonly SliceCase[]; readonly rare: RareValues | undefined },
): GateVerdict {
  const skipped = slices.filter(({ rows }) => rows < gate.minRows).map(({ value, rows }) => ({ value, rows }))
  const found = slices
    .filter(({ rows }) => rows >= gate.minRows)
    .map(({ value, rows, find }) => ({ value, rows, ...find() }))
  if (found.length === 0) {
    const none = `no value of ${gate.slice ?? ''} has ${gate.minRows} rows to be judged by`
    return inconclusive(none, { slice: gate.slice, judged: [], skipped })
  }
  const errors = holm(found.map((one) => one.error))
  const judged = found.map(({ value, rows, verdict }, i) => {
    const isSure = errors[i]! <= error
    const outcome = verdict.outcome === 'pass' || isSure ? verdict.outcome : 'inconclusive'
    return {
      value,
      rows,
      outcome: isSure ? 'fail' : outcome,
      summary: verdict.summary,
      evidence: verdict.evidence,
      adjustedError: errors[i]!,
    } as const
  })
  const told = withRare(gate, tell(gate, judged, skipped), rare)
  const evidence = {
    slice: gate.slice,
    correction: 'holm',
    error,
    judged,
    skipped,
    ...(rare === undefined ? {} : { rare }),
  }
  return { ...told, evidence }
}

function withRare(gate: SlicedGate, told: Told, rare: RareValues | undefined): Told {
  if (rare === undefined) return told
  const mayMatter = rare.most >= gate.minRows
  const rows = `${rare.rows} ${rare.rows === 1 ? 'row has a rarer value' : 'rows have rarer values'} that are not looked at`
  const hint = mayMatter ? `, of up to ${rare.most} rows each: \`min-rows: ${rare.most + 1}\` leaves them out` : ''
  const outcome = told.outcome === 'pass' && mayMatter ? 'inconclusive' : told.outcome
  return { outcome, summary: `${told.summary}; ${rows}${hint}` }
}

type Told = Pick<GateVerdict, 'outcome' | 'summary'>

interface Judged {
  readonly value: string
  readonly outcome: GateVerdict['outcome']
  readonly summary: string
}

function tell(gate: SlicedGate, judged: readonly Judged[], skipped: readonly { readonly value: string }[]): Told {
  const few =
    skipped.length === 0
      ? ''
      : `; not judged, with fewer than ${gate.minRows} rows: ${someOf(skipped.map(({ value }) => value))}`
  for (const outcome of ['fail', 'inconclusive', 'not-applicable'] as const) {
    const worst = judged.filter((slice) => slice.outcome === outcome)
    if (worst.length === 0) continue
    const told = worst.slice(0, 3).map(({ value, summary }) => `${gate.slice ?? ''} = ${value}: ${summary}`)
    const more = worst.length > 3 ? ` and ${worst.length - 3} more` : ''
    return { outcome, summary: `${told.join('; ')}${more}${few}` }
  }
  return {
    outcome: 'pass',
    summary: `${gate.metric} holds for ${counted(judged.length, 'value')} of ${gate.slice ?? ''}${few}`,
  }
}

function someOf(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ')
}
