import { type MonitorFinding, nameSome, percent } from './monitor-finding.ts'
import type {
  CategoryReference,
  CategoryWindow,
  NumberReference,
  NumberWindow,
  ReferenceProfile,
  WindowProfile,
} from './reference-profile.ts'

export interface QualityRule {
  /** False alarms per window over all columns and kinds together. Default 0.001. */
  readonly alpha?: number
  /** Smallest share of a window's rows that is worth an alarm. Default 0.005. */
  readonly minimumShare?: number
  /** In the window. Default 50. */
  readonly minimumRows?: number
}

const QUALITY_DEFAULTS = {
  alpha: 0.001,
  minimumShare: 0.005,
  minimumRows: 50,
} as const satisfies Required<QualityRule>

interface QualityProblem {
  readonly column: string
  readonly problem:
    | 'null'
    | 'NaN'
    | 'infinite'
    | 'not a number'
    | 'below the range'
    | 'above the range'
    | 'unseen category'
  readonly rows: number
  readonly share: number
  /** Corrected for all that was looked at. */
  readonly pValue: number
  readonly examples?: readonly string[]
}

/**
 * Is there anything in the inputs that the reference never had: nulls, NaN, text for numbers, values
 * outside its range, new categories? A few rows outside the range of a small reference are normal: with n
 * reference rows and m in the window, all k extreme ones lie in the window with probability
 * (m choose k) / (n + m choose k) when nothing changed (Gumbel and von Schelling 1950). So each finding
 * must be more than that, and more than `minimumShare` of rows.
 */
export function judgeQuality(
  reference: ReferenceProfile,
  window: WindowProfile,
  rule: QualityRule = {},
): MonitorFinding {
  const { alpha, minimumShare, minimumRows } = { ...QUALITY_DEFAULTS, ...rule }
  const looks = Object.entries(window.columns).flatMap(([name, current]) => newThings(name, reference, current))
  const weighed = looks.map((look) => weigh(look, reference.rows, window.rows, looks.length))
  const problems = weighed
    .filter((look) => look.rows > 0 && look.pValue <= alpha && look.share >= minimumShare)
    .sort((a, b) => b.share - a.share)
  const evidence = {
    currentRows: window.rows,
    referenceRows: reference.rows,
    rule: { alpha, minimumShare, minimumRows },
    problems,
    unlogged: window.unlogged,
  }
  if (window.rows < minimumRows) {
    return {
      state: 'too-few-rows',
      summary: `${window.rows} rows: too few to say (${minimumRows} are needed).`,
      evidence,
    }
  }
  if (problems.length === 0) {
    const columns = Object.keys(window.columns).length
    return {
      state: 'ok',
      summary: `${columns} columns of ${window.rows} rows hold nothing that the reference never had.`,
      evidence,
    }
  }
  const said = problems.map(({ column, problem, share }) => `${column} ${problem} in ${percent(share)}`)
  return {
    state: 'trouble',
    summary: `Of ${window.rows} rows: ${nameSome(said)}; the reference never had that.`,
    evidence,
  }
}

type Look = Omit<QualityProblem, 'share' | 'pValue'>

function newThings(column: string, reference: ReferenceProfile, current: NumberWindow | CategoryWindow): Look[] {
  const before = reference.columns[column]
  if (before?.kind === 'number' && current.kind === 'number') return newInNumbers(column, before, current)
  if (before?.kind === 'category' && current.kind === 'category') return newInCategories(column, before, current)
  return []
}

function newInNumbers(column: string, before: NumberReference, current: NumberWindow): Look[] {
  const looks: Look[] = [
    { column, problem: 'not a number', rows: current.unreadable },
    { column, problem: 'below the range', rows: current.below },
    { column, problem: 'above the range', rows: current.above },
  ]
  if (before.nulls === 0) looks.push({ column, problem: 'null', rows: current.nulls })
  if (before.nans === 0) looks.push({ column, problem: 'NaN', rows: current.nans })
  if (before.infinities === 0) looks.push({ column, problem: 'infinite', rows: current.infinities })
  return looks
}

function newInCategories(column: string, before: CategoryReference, current: CategoryWindow): Look[] {
  const looks: Look[] = []
  if (before.nulls === 0) looks.push({ column, problem: 'null', rows: current.nulls })
  // Where the reference itself has more values than were kept, others are not new.
  if (before.counts.at(-1) === 0) {
    looks.push({
      column,
      problem: 'unseen category',
      rows: current.counts.at(-1) ?? 0,
      examples: current.otherExamples,
    })
  }
  return looks
}

function weigh(look: Look, referenceRows: number, windowRows: number, looks: number): QualityProblem {
  const pValue = Math.min(1, looks * allInWindow(look.rows, referenceRows, windowRows))
  return { ...look, share: windowRows === 0 ? 0 : look.rows / windowRows, pValue }
}

function allInWindow(count: number, referenceRows: number, windowRows: number): number {
  let probability = 1
  for (let i = 0; i < count && probability > 1e-300; i++)
    probability *= (windowRows - i) / (referenceRows + windowRows - i)
  return probability
}
