import type { Transitions } from './transitions.ts'

export type RunState =
  | 'queued'
  | 'running'
  | 'cancelling'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'invalid'
  | 'refused'

/** The ways to cancel a run, softest first: one that is being cancelled can only be cancelled harder. */
export const CANCEL_MODES = {
  'after-current': 'steps that run finish, nothing new starts',
  'now-run-always': 'steps that run are killed; those whose `if` has `always()` still run, or run on',
  now: 'steps that run are killed, nothing new starts',
} as const satisfies Record<string, string>

export type CancelMode = keyof typeof CANCEL_MODES

export function isHarder(asked: CancelMode, than: CancelMode): boolean {
  const modes = Object.keys(CANCEL_MODES)
  return modes.indexOf(asked) > modes.indexOf(than)
}

/**
 * A run ends at registration, or before it at the first thing that stops it. `invalid`: its pipeline file
 * has problems. `refused`: a rule of ours said no (a retraining run for which no dataset changed).
 */
export const RUN_TRANSITIONS = {
  queued: { start: 'running', cancel: 'cancelled' },
  running: { succeed: 'succeeded', fail: 'failed', cancel: 'cancelling', refuse: 'refused' },
  cancelling: { settle: 'cancelled', harden: 'cancelling' },
  succeeded: {},
  failed: {},
  cancelled: {},
  invalid: {},
  refused: {},
} as const satisfies Transitions<RunState>

export type StepState = 'waiting' | 'running' | 'succeeded' | 'failed' | 'skipped' | 'cancelled'

/**
 * A step waits for its needs, runs through one or more attempts, and settles. `hit`: the step cache had
 * its outputs. `adopt`: a rerun took over the outputs of the run before. `retry` stays in `running`.
 */
export const STEP_TRANSITIONS = {
  waiting: {
    start: 'running',
    hit: 'succeeded',
    adopt: 'succeeded',
    skip: 'skipped',
    cancel: 'cancelled',
    fail: 'failed',
  },
  running: { succeed: 'succeeded', fail: 'failed', cancel: 'cancelled', retry: 'running' },
  succeeded: {},
  failed: {},
  skipped: {},
  cancelled: {},
} as const satisfies Transitions<StepState>

export type AttemptState = 'starting' | 'running' | 'cancelling' | 'succeeded' | 'failed' | 'cancelled' | 'lost'

export const ATTEMPT_TRANSITIONS = {
  starting: { run: 'running', succeed: 'succeeded', fail: 'failed', cancel: 'cancelling', lose: 'lost' },
  running: { succeed: 'succeeded', fail: 'failed', cancel: 'cancelling', lose: 'lost' },
  cancelling: { succeed: 'cancelled', fail: 'cancelled', lose: 'cancelled' },
  succeeded: {},
  failed: {},
  cancelled: {},
  lost: {},
} as const satisfies Transitions<AttemptState>

/** Why an attempt did not succeed; a closed list, because retry policies name its members. */
export const END_REASONS = {
  exit: 'the command ended with a non-zero code',
  signal: 'the command was killed by a signal that is not ours',
  timeout: 'it ran longer than its timeout',
  silence: 'it printed nothing for longer than its silence-timeout',
  'out-of-memory': 'it used more memory than it may',
  'disk-full': 'no space was left where it wrote',
  'missing-outs': 'it ended well but did not write every file it promised in `outs`, `metrics` or `reports`',
  'setup-error': 'the workspace could not be prepared or the command could not be started',
  'damaged-input': 'an input was damaged in the store, or gone from it; running the run again makes it again',
  'executor-lost': 'its supervisor is gone without a completion record',
  cancelled: 'somebody cancelled it, or a newer run replaced it',
  refused: 'a rule of ours stopped it: a gate, a finding, an unchanged dataset',
} as const satisfies Record<string, string>

export type EndReason = keyof typeof END_REASONS
