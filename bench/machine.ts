import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'

export interface Machine {
  /** ISO, UTC. */
  readonly at: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly node: string
  readonly kernel: string
  /** Of the last 1, 5 and 15 minutes, before anything was measured. */
  readonly loadAverage: readonly number[]
}

export function describeMachine(): Machine {
  return {
    at: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    kernel: release(),
    loadAverage: loadavg().map((load) => Math.round(load * 10) / 10),
  }
}
