import type { PlanStep } from '../core/plan.ts'
import type { CompletionRecord } from '../core/ports/executor.ts'
import type { EndReason } from '../core/run-state.ts'
import type { EndedResults } from './engine-options.ts'

/** How an attempt ended, as the engine was told. */
export type AttemptEnd =
  | { readonly kind: 'record'; readonly record: CompletionRecord }
  /** No supervisor and no record: what it did is not known. */
  | { readonly kind: 'lost'; readonly message: string }
  /** It was never started, or what it left cannot be taken. */
  | { readonly kind: 'failed'; readonly reason: EndReason; readonly message: string }

export interface Judgement {
  /** The event in the attempt's state table. */
  readonly event: 'succeed' | 'fail' | 'lose'
  readonly reason: EndReason | null
  readonly message: string | null
}

/** A task that answers with a failure has failed, however its process ended. */
export function judgeEnd(end: AttemptEnd): Judgement {
  if (end.kind === 'lost') return { event: 'lose', reason: 'executor-lost', message: end.message }
  if (end.kind === 'failed') return { event: 'fail', reason: end.reason, message: end.message }
  const { outcome, reason, message, taskOutput } = end.record
  if (outcome !== 'cancelled' && taskOutput?.failure !== undefined) return { event: 'fail', ...taskOutput.failure }
  if (outcome === 'succeeded') return { event: 'succeed', reason: null, message: null }
  const fallback = outcome === 'cancelled' ? 'cancelled' : 'exit'
  return { event: 'fail', reason: reason ?? fallback, message: message ?? null }
}

/** What its reports say of a command that failed may count for more than its exit code. */
export function judgeResults(judgement: Judgement, { overlook, notOverlooked }: EndedResults): Judgement {
  if (judgement.event !== 'fail') return judgement
  if (overlook !== undefined) return { event: 'succeed', reason: null, message: overlook }
  if (notOverlooked === undefined) return judgement
  return { ...judgement, message: [judgement.message, notOverlooked].filter(Boolean).join('; ') }
}

/** Whether the step's policy grants another attempt after `attempt`, the first being 1. */
export function mayRetry(retry: PlanStep['retry'], attempt: number, reason: EndReason | null): boolean {
  return reason !== null && retry.on.includes(reason) && attempt <= retry.limit
}
