import type { StageStatus } from '../../../src/api/runs.ts'
import type { IconName } from '../parts/icon.tsx'

export type StageState = StageStatus['state']

/** How each state of a stage is said and drawn: word and picture differ, not only the colour. */
export const STAGE_STATES = {
  none: { word: 'not part of this', icon: 'dot', tone: 'none' },
  waiting: { word: 'waiting', icon: 'waiting', tone: 'quiet' },
  running: { word: 'running', icon: 'running', tone: 'running' },
  'needs-person': { word: 'needs a person', icon: 'person', tone: 'person' },
  succeeded: { word: 'succeeded', icon: 'check', tone: 'succeeded' },
  failed: { word: 'failed', icon: 'cross', tone: 'failed' },
  skipped: { word: 'skipped', icon: 'skip', tone: 'quiet' },
} as const satisfies Record<StageState, { word: string; icon: IconName; tone: string }>
