import type { Transitions } from './transitions.ts'

export type DatasetState = 'pushed' | 'pending' | 'approved' | 'rejected'

/**
 * A digest of a dataset. `pushed`: nobody owned the dataset when it came. `pending`: it waits for an owner's
 * yes, and runs use the one that was approved last. An owner may change their mind in both directions.
 */
export const DATASET_TRANSITIONS = {
  pushed: { ask: 'pending', approve: 'approved', reject: 'rejected' },
  pending: { approve: 'approved', reject: 'rejected' },
  approved: { reject: 'rejected', approve: 'approved' },
  rejected: { approve: 'approved' },
} as const satisfies Transitions<DatasetState>
