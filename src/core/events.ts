/**
 * What happened, once, in the outbox: the row is written in the same transaction as the change. Logs, the
 * live page, the pusher's terminal, notifications and flows read it from there. `data` is for people and
 * programs and holds no secrets.
 */
export const EVENTS = {
  'project.removed': 'a person removed a project; what it did stays',
  'push.received': 'a push moved refs',
  'run.created': 'a run exists (also `invalid` ones)',
  'run.started': 'the first step may start',
  'run.cancelling': 'somebody asked for the end of a run that goes on: who, and in which way',
  'run.ended': 'a run reached a final state',
  'step.started': 'the first attempt of a step began',
  'step.ended': 'a step reached a final state: succeeded (also from cache), failed, skipped, cancelled',
  'attempt.started': 'an attempt was handed to an executor',
  'attempt.ended': 'an attempt reached a final state',
  'dataset.pushed': 'a person pushed a dataset',
  'dataset.proposed': 'a dataset with owners has a new digest, which waits for the yes of one of them',
  'dataset.decided': 'an owner said yes or no to a digest of a dataset',
  'gate.decided': 'a gate has an outcome',
  'gate.waived': 'a person waived an inconclusive gate',
  'test.quarantined': 'a person put a failing test into quarantine',
  'test.released': 'a person ended the quarantine of a test',
  'version.registered': 'a bundle became a version',
  'deployment.created': 'a version is to go to an environment',
  'deployment.moved': 'a deployment changed state',
  'bundle.cleared': 'a person allows a rolled-back bundle again',
  'rollout.phase': 'the weight of a rollout changed',
  'approval.given': 'a person approved or rejected',
  'acceptance.opened': 'testers are asked',
  'acceptance.verdict': 'a tester judged a case',
  'acceptance.signed': 'a tester signed',
  'acceptance.ended': 'an acceptance session ended',
  'alert.fired': 'a monitor saw trouble',
  'alert.resolved': 'the trouble is over',
  'action.taken': 'what was done about an alert, or why nothing was',
  'labels.received': 'labels came in',
  'access.changed': 'a person, token, role or secret changed',
} as const satisfies Record<string, string>

export type EventKind = keyof typeof EVENTS

/** Of these there may be thousands in a run: who only acts on runs leaves them out. */
export const STEP_EVENTS = [
  'step.started',
  'step.ended',
  'attempt.started',
  'attempt.ended',
] as const satisfies readonly EventKind[]

export interface NewEvent {
  readonly kind: EventKind
  readonly project: string | null
  /** What it is about: `digits#12`, `digits#12/train`, `digits@3`, `digits/production`. */
  readonly subject: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface AppEvent extends NewEvent {
  /** Grows in commit order. */
  readonly id: number
  readonly at: number
}
