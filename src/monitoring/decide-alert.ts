import type { MonitorFinding } from './monitor-finding.ts'

export interface AlertQuestion {
  /** States of this monitor's windows for the version that serves, oldest first; windows do not share rows. */
  readonly windows: readonly MonitorFinding['state'][]
  /** `for:` of the monitor, at least 1. */
  readonly forWindows: number
  readonly isFiring: boolean
}

/**
 * What the newest window means for the alert. It fires after `forWindows` windows of trouble in a row and is
 * resolved after as many good ones: one bad window of a good model, or a good one of a bad model, changes
 * nothing. Windows with too few rows neither count nor interrupt.
 */
export function decideAlert({ windows, forWindows, isFiring }: AlertQuestion): 'fire' | 'resolve' | 'stay' {
  const telling = windows.filter((state) => state !== 'too-few-rows').slice(-forWindows)
  if (telling.length < forWindows) return 'stay'
  if (!isFiring && telling.every((state) => state === 'trouble')) return 'fire'
  return isFiring && telling.every((state) => state === 'ok') ? 'resolve' : 'stay'
}
