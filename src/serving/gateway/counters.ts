import { LATENCY_BUCKETS_MS, type Arm, type ArmCounters, type Route } from '../../core/route-table.ts'

/** Counts of one arm in one epoch. Carried over from table to table for as long as both stay the same. */
export interface Counter {
  readonly project: string
  readonly environment: string
  readonly epoch: string
  readonly arm: 'champion' | 'challenger'
  readonly version: string
  requests: number
  errors: number
  inFlight: number
  latency: number[]
  lastError?: string
}

/** Epochs that are over stay readable until this many newer ones came. */
const KEPT = 256

export class Counters {
  readonly #counters = new Map<string, Counter>()

  of(route: Route, arm: Arm): Counter {
    const { project, environment, epoch } = route
    const key = JSON.stringify([project, environment, epoch, arm.arm, arm.version])
    const known = this.#counters.get(key)
    const counter = known ?? {
      project,
      environment,
      epoch,
      arm: arm.arm,
      version: arm.version,
      requests: 0,
      errors: 0,
      inFlight: 0,
      latency: LATENCY_BUCKETS_MS.map(() => 0),
    }
    // Put last: the first in the map is then the one not named for the longest time.
    this.#counters.delete(key)
    this.#counters.set(key, counter)
    return counter
  }

  forgetOld(inForce: number): void {
    for (const [key, counter] of this.#counters) {
      if (this.#counters.size <= inForce + KEPT) return
      if (counter.inFlight === 0) this.#counters.delete(key)
    }
  }

  list(): ArmCounters[] {
    return [...this.#counters.values()].map((counter) => ({ ...counter, latency: [...counter.latency] }))
  }
}

export function countLatency(counter: Counter, ms: number): void {
  const bucket = LATENCY_BUCKETS_MS.findIndex((bound) => ms <= bound)
  counter.latency[bucket] = (counter.latency[bucket] ?? 0) + 1
}
