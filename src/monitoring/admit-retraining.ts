/** `retrain` of a monitor. */
export interface RetrainRule {
  /** At least so long after the start of the last retraining run. */
  readonly cooldownMs: number
  readonly limit?: { readonly runs: number; readonly perMs: number }
}

/** A retraining run that an alert started, whatever became of it. */
export interface Retraining {
  readonly at: number
  readonly isFinished: boolean
  readonly run: string
}

export type Admission =
  | { readonly kind: 'admitted' }
  /** `until`: when it may be asked again, where time alone decides. */
  | { readonly kind: 'refused'; readonly why: string; readonly until?: number }

/**
 * May an alert start a retraining run now? One at a time, not sooner than the cooldown, and no more than the
 * limit: a model that retraining does not cure must not be retrained for ever. A refusal is recorded and
 * shown, never silent. `now` in epoch milliseconds.
 */
export function admitRetraining(history: readonly Retraining[], rule: RetrainRule, now: number): Admission {
  const running = history.find(({ isFinished }) => !isFinished)
  if (running !== undefined) return { kind: 'refused', why: `retraining run ${running.run} has not ended` }
  const last = history.reduce((latest, { at }) => Math.max(latest, at), -Infinity)
  const rested = last + rule.cooldownMs
  if (now < rested) {
    return {
      kind: 'refused',
      why: `the last retraining began ${duration(now - last)} ago, and the cooldown is ${duration(rule.cooldownMs)}`,
      until: rested,
    }
  }
  return rule.limit === undefined ? { kind: 'admitted' } : admitUnderLimit(history, rule.limit, now)
}

function admitUnderLimit(
  history: readonly Retraining[],
  { runs, perMs }: NonNullable<RetrainRule['limit']>,
  now: number,
): Admission {
  const recent = history
    .map(({ at }) => at)
    .filter((at) => at > now - perMs)
    .sort((a, b) => a - b)
  if (recent.length < runs) return { kind: 'admitted' }
  const why = `${recent.length} retraining runs began within ${duration(perMs)}, and the limit is ${runs}`
  const freed = recent[recent.length - runs]
  return { kind: 'refused', why, ...(freed === undefined ? {} : { until: freed + perMs }) }
}

const UNITS: readonly [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
]

function duration(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms >= each) ?? ['s', 1000]
  return `${Math.round(ms / size)} ${unit}`
}
