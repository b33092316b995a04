import type { Transitions } from './transitions.ts'

export type DeploymentState =
  | 'queued'
  | 'awaiting-approval'
  | 'approved'
  | 'starting'
  | 'rolling-out'
  | 'held'
  | 'awaiting-acceptance'
  | 'live'
  | 'rolling-back'
  | 'rolled-back'
  | 'replaced'
  | 'rejected'
  | 'expired'
  | 'superseded'
  | 'failed'

/**
 * One version going to one environment.
 *
 * `queued` waits for the environment (one active deployment each). `awaiting-approval` waits for people
 * and is superseded by a newer one. `approved` waits for the window and for the host. `starting` warms the
 * model host. `rolling-out` moves traffic by phases under guard rails; `held` keeps the weight until a
 * person, a window or data says go on. `awaiting-acceptance` serves while testers judge. `live` serves all
 * traffic, guard rails still on through `observe`, until the next version has `replaced` it.
 */
export const DEPLOYMENT_TRANSITIONS = {
  queued: { ask: 'awaiting-approval', admit: 'approved', supersede: 'superseded' },
  'awaiting-approval': { approve: 'approved', reject: 'rejected', expire: 'expired', supersede: 'superseded' },
  approved: { start: 'starting', supersede: 'superseded', fail: 'failed' },
  starting: { roll: 'rolling-out', fail: 'failed', 'roll-back': 'rolling-back' },
  'rolling-out': {
    finish: 'live',
    'ask-testers': 'awaiting-acceptance',
    hold: 'held',
    'roll-back': 'rolling-back',
  },
  held: { resume: 'rolling-out', 'roll-back': 'rolling-back' },
  'awaiting-acceptance': { accept: 'live', reject: 'rejected', supersede: 'superseded', 'roll-back': 'rolling-back' },
  live: { replace: 'replaced', 'roll-back': 'rolling-back' },
  'rolling-back': { settle: 'rolled-back' },
  'rolled-back': {},
  replaced: {},
  rejected: {},
  expired: {},
  superseded: {},
  failed: {},
} as const satisfies Transitions<DeploymentState>

export type AcceptanceState = 'open' | 'accepted' | 'rejected' | 'void'

/** UAT of one version. `void`: the version, champion or cases it was signed for are no longer the same. */
export const ACCEPTANCE_TRANSITIONS = {
  open: { accept: 'accepted', reject: 'rejected', void: 'void' },
  accepted: {},
  rejected: {},
  void: {},
} as const satisfies Transitions<AcceptanceState>

export type AlertState = 'firing' | 'resolved'

export const ALERT_TRANSITIONS = {
  firing: { resolve: 'resolved' },
  resolved: {},
} as const satisfies Transitions<AlertState>
