import type { BundleManifest } from '../../core/bundle.ts'
import type { Digest } from '../../core/digest.ts'
import type { EvaluationResult } from '../evaluation-result.ts'
import type { GateDecision } from '../gate.ts'
import type { Measure } from '../measure.ts'
import { counted } from '../../lib/counted.ts'

/** Where the candidate comes from, as the run's rows say it. */
export interface RunFacts {
  /** `project#12` */
  readonly id: string
  readonly project: string
  readonly commit: string
  readonly branch: string
  readonly title: string
  readonly person: string
  readonly event: string
  readonly createdAt: number
  readonly datasets: readonly { readonly path: string; readonly digest: string; readonly rows: number | null }[]
  readonly lock?: { readonly digest: string; readonly python: string }
  readonly tests: { readonly passed: number; readonly failed: number; readonly skipped: number }
}

/** All that a report says. Two reports of equal facts are the same bytes. */
export interface ReportFacts {
  readonly run: RunFacts
  readonly gates: readonly GateDecision[]
  readonly evaluation?: EvaluationResult
  readonly candidate?: { readonly bundle: Digest; readonly manifest: BundleManifest }
}

export type Verdict = 'passed' | 'refused' | 'a person must decide'

export function verdictOf(gates: readonly GateDecision[]): Verdict {
  if (gates.some(({ outcome }) => outcome === 'fail')) return 'refused'
  return gates.some(({ outcome, waiver }) => outcome === 'inconclusive' && waiver === undefined)
    ? 'a person must decide'
    : 'passed'
}

/** What the gates prove together, as sentences; a gate that passed says of itself by how much. */
export function provedBy({ gates, evaluation }: ReportFacts): string[] {
  const count = (outcome: GateDecision['outcome']): number => gates.filter((gate) => gate.outcome === outcome).length
  const told = (['pass', 'fail', 'inconclusive', 'not-applicable'] as const)
    .filter((outcome) => count(outcome) > 0)
    .map((outcome) => `${count(outcome)} ${outcome}`)
  const sentences = [
    gates.length === 0
      ? 'No gate was asked for: nothing was proved.'
      : `Of ${counted(gates.length, 'gate')}: ${told.join(', ')}.`,
  ]
  if (evaluation === undefined) return [...sentences, 'The candidate was not evaluated on held-out rows.']
  const { rows, source, champion, label, labels } = evaluation
  const asked = source === 'hosts' ? 'its own host was asked about' : 'the author supplied the answers to'
  sentences.push(
    `The candidate: ${asked} ${counted(rows, 'held-out row')}, judged by the column ${label}${labels === undefined ? '' : ` of ${labels.path}`}.`,
  )
  if (champion === undefined)
    sentences.push(`Not compared with a champion: ${evaluation.noChampion ?? 'there is none yet'}.`)
  else if ('failed' in champion)
    sentences.push(
      `The champion, version ${champion.version}, could not be ${source === 'author' ? 'compared' : 'asked'}: ${champion.failed}.`,
    )
  else if (source === 'author')
    sentences.push(`The champion, version ${champion.version}: what its own run's code had answered to the same rows.`)
  else sentences.push(`The champion, version ${champion.version}, was asked about the same rows in a host of its own.`)
  return sentences
}

export function howToReproduce({ run }: ReportFacts): string[] {
  return [
    `git checkout ${run.commit}`,
    'tidegate run',
    `# or, on the server: tidegate rerun ${run.id.replace('#', '/')}`,
  ]
}

export function showNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return 'unknown'
  if (value !== 0 && Math.abs(value) < 0.001) return value.toPrecision(2)
  return Math.abs(value) >= 1_000 ? String(Math.round(value)) : String(Number(value.toFixed(4)))
}

/** The interval; of what does not exist the reason. */
export function showRange({ low, high, why = '' }: Pick<Measure, 'low' | 'high' | 'why'>): string {
  return low === null || high === null ? why : `${showNumber(low)} to ${showNumber(high)}`
}

/** Rows, or where they count differently what they weigh. */
export function showCount(count: number): string {
  return String(Number(count.toFixed(1)))
}
