/** One line of the report: ours beside its peer, measured in turns in the same minute, as a ratio. */
export interface BenchRow {
  readonly what: string
  readonly unit: string
  readonly statistic: Statistic
  readonly ours: number
  readonly peer: number
  readonly peerIs: string
  /** Null where the peer is zero. */
  readonly ratio: number | null
  /** From the architecture's table of budgets. */
  readonly budget?: { readonly says: string; readonly isMet: boolean }
  readonly samples: Samples
}

export interface Samples {
  readonly ours: readonly number[]
  readonly peer: readonly number[]
}

export interface BenchOptions {
  /** A tenth of the repetitions: to see that it works, not to believe the numbers. */
  readonly quick: boolean
}

export type Statistic = 'median' | 'p95' | 'max'

export interface Question {
  readonly what: string
  readonly unit: string
  readonly statistic: Statistic
  readonly peerIs: string
  readonly budget?: { readonly says: string; isMet(ours: number, peer: number): boolean }
}

const SHARES: Record<Statistic, number> = { median: 0.5, p95: 0.95, max: 1 }

export function answer({ budget, ...question }: Question, samples: Samples): BenchRow {
  const share = SHARES[question.statistic]
  const [ours, peer] = [percentile(samples.ours, share), percentile(samples.peer, share)]
  return {
    ...question,
    ours,
    peer,
    ratio: peer === 0 ? null : rounded(ours / peer),
    ...(budget === undefined ? {} : { budget: { says: budget.says, isMet: budget.isMet(ours, peer) } }),
    samples: { ours: samples.ours.map(rounded), peer: samples.peer.map(rounded) },
  }
}

export interface Turns {
  readonly rounds: number
  readonly ours: () => Promise<number>
  readonly peer: () => Promise<number>
}

/** In turns, so that whatever else the machine does meets both. */
export async function inTurns({ rounds, ours, peer }: Turns): Promise<Samples> {
  const samples = { ours: [] as number[], peer: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    samples.peer.push(await peer())
    samples.ours.push(await ours())
  }
  return samples
}

/** In milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
