import { exactInterval, exactLower } from '../statistics/proportion-interval.ts'
import { type MonitorFinding, percent } from './monitor-finding.ts'

/** Requests of a window: their times, and how many took longer than the limit. */
export interface LatencyWindow {
  readonly requests: number
  readonly slower: number
  /** The percentile itself, in milliseconds; null where there are no requests. */
  readonly valueMs: number | null
}

export interface LatencyRule {
  readonly percentile: 50 | 95 | 99
  readonly maxMs: number
  /** Default 0.99. */
  readonly confidence?: number
  /** Default 100. */
  readonly minimumRequests?: number
}

const LATENCY_DEFAULTS = { confidence: 0.99, minimumRequests: 100 } as const

/**
 * Is the percentile above its limit? It is exactly when more than 1 in 100 requests (for p99) are slower
 * than the limit, so the test is one of a share, exact at any number of requests: trouble means that the
 * share is too large with the given confidence.
 */
export function judgeLatency(window: LatencyWindow, rule: LatencyRule): MonitorFinding {
  const { percentile, maxMs, confidence, minimumRequests } = { ...LATENCY_DEFAULTS, ...rule }
  const allowed = 1 - percentile / 100
  const counted = { successes: window.slower, trials: window.requests, confidence }
  const evidence = {
    ...window,
    allowedShare: allowed,
    share: exactInterval(counted),
    rule: { percentile, maxMs, confidence, minimumRequests },
  }
  if (window.requests < minimumRequests) {
    return {
      state: 'too-few-rows',
      summary: `${window.requests} requests: too few to say (${minimumRequests} are needed).`,
      evidence,
    }
  }
  const measured = `p${percentile} is ${(window.valueMs ?? 0).toFixed(1)} ms of at most ${maxMs} ms (${percent(window.slower / window.requests)} of ${window.requests} requests are slower)`
  return exactLower(counted) > allowed
    ? { state: 'trouble', summary: `${measured}; that is too many to be chance.`, evidence }
    : { state: 'ok', summary: `${measured}.`, evidence }
}
