/**
 * The files by which a supervisor and whoever started it talk, inside the attempt's folder. A file, once
 * complete, is never changed (the log only grows), so both sides can die and come back at any time.
 */
export const ATTEMPT_FILES = {
  /** `AttemptOrder`, written before the supervisor starts. */
  order: 'order.json',
  /** `SupervisorClaim`: who runs this. Created exclusively: a second supervisor for the folder exits. */
  claim: 'claim.json',
  /** The log's bytes, from offset 0. When they came stands in `log.times` (`core/log-times.ts`). */
  log: 'log',
  /** Exists: cancel. Holds `{ graceMs }`. */
  cancel: 'cancel.json',
  /** `CompletionRecord`. */
  done: 'done.json',
} as const

/** A process is its pid and its start time (field 22 of /proc/<pid>/stat, in clock ticks): pids are reused. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTicks: string
}

export interface SupervisorClaim {
  readonly supervisor: ProcessIdentity
  /** The control group of what it starts, where the kernel gives it one. */
  readonly group?: string
  readonly command?: ProcessIdentity
  readonly startedAt: number
}

/**
 * In the environment of every process of an attempt, so that stragglers can be found and ended. Its value is
 * the attempt's folder: unique on the machine, where ids of two installations may be equal.
 */
export const ATTEMPT_MARK = 'TIDEGATE_MARK'

/**
 * What a supervisor is told on stdin, as one line of JSON for each attempt. Then it prepares, and runs nothing of the attempt
 * before a line `BEGIN` follows: the server writes the attempt down meanwhile. Stdin that ends says the same: what readers of
 * the database saw is there for the next server.
 */
export interface StartOrder {
  readonly attemptFolder: string
  readonly secrets: Readonly<Record<string, string>>
  /** The program whose `task` command runs tasks. Absent: the supervisor's own. */
  readonly taskEntry?: string
}

export const BEGIN = 'begin'

/**
 * What a supervisor says on stdout to the server that started it, a line each: that the record is written (`done`),
 * and before that, that it takes another attempt (`ready`). Only hints to look at once: the record is the truth, and where the
 * server is gone nobody hears them.
 */
export type SupervisorWord = 'done' | 'ready'

/** The log of a service beside the command, in the same form as `log`. */
export function serviceLog(name: string): string {
  return `service-${name}.log`
}
