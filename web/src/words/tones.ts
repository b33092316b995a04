import type { Deployment } from '../../../src/api/deployments.ts'
import type { Gate, Run, Step } from '../../../src/api/runs.ts'

export type Tone = 'succeeded' | 'running' | 'person' | 'failed' | 'quiet'

export const RUN_TONES = {
  queued: 'quiet',
  running: 'running',
  cancelling: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'quiet',
  invalid: 'failed',
  refused: 'person',
} as const satisfies Record<Run['state'], Tone>

export const STEP_TONES = {
  waiting: 'quiet',
  running: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  skipped: 'quiet',
  cancelled: 'quiet',
} as const satisfies Record<Step['state'], Tone>

export const GATE_TONES = {
  pass: 'succeeded',
  fail: 'failed',
  inconclusive: 'person',
  'not-applicable': 'quiet',
} as const satisfies Record<Gate['outcome'], Tone>

export const DEPLOYMENT_TONES = {
  queued: 'quiet',
  'awaiting-approval': 'person',
  approved: 'running',
  starting: 'running',
  'rolling-out': 'running',
  held: 'person',
  'awaiting-acceptance': 'person',
  live: 'succeeded',
  'rolling-back': 'failed',
  'rolled-back': 'failed',
  replaced: 'quiet',
  rejected: 'failed',
  expired: 'failed',
  superseded: 'quiet',
  failed: 'failed',
} as const satisfies Record<Deployment['state'], Tone>

export const HOST_TONES = {
  starting: 'running',
  ready: 'succeeded',
  failed: 'failed',
  absent: 'quiet',
} as const satisfies Record<string, Tone>
