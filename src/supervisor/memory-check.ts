import { readFileSync } from 'node:fs'
import type { ControlGroup } from '../lib/control-group.ts'
import { readProcess, type ProcessRow } from '../lib/processes.ts'
import { findAttemptProcesses } from './attempt-processes.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import type { Interruption } from './attempt-end.ts'
import type { ProcessIdentity } from '../core/attempt-files.ts'

const PAGE_BYTES = 4096

/** One look reads every process of the machine: 2 ms where there are a hundred. */
const BETWEEN_MS = 250

interface MemoryCheck {
  readonly order: AttemptOrder
  readonly limitBytes: number
  readonly roots: readonly ProcessIdentity[]
  readonly group: ControlGroup | undefined
}

/**
 * Compares what the attempt's processes have in memory with its limit. The sum of resident pages counts
 * shared ones several times (a forked data loader would look like four trainings), so when it is over the
 * limit the kernel is asked for the proportional figure, which costs a millisecond per gigabyte. Processes
 * that come and go between two readings add up to more than there ever was: only a second look ends it.
 */
export function memoryCheck({ order, limitBytes, roots, group }: MemoryCheck) {
  let lookAgainAt = 0
  let wasOver = false
  return (): Interruption | undefined => {
    if (performance.now() < lookAgainAt) return undefined
    lookAgainAt = performance.now() + BETWEEN_MS
    const usedBytes = memoryOf(findAttemptProcesses(order, roots, group), limitBytes)
    const isSure = wasOver && usedBytes > limitBytes
    wasOver = usedBytes > limitBytes
    if (!isSure) return undefined
    return overLimit(usedBytes, limitBytes)
  }
}

/** What a control group says of it: the kernel has killed a process of this attempt for its limit. */
export function endOfMemory({ memoryBytes }: AttemptOrder, group: ControlGroup | undefined): Interruption | undefined {
  if (memoryBytes === undefined || group?.limitsMemory !== true || group.memoryKills() === 0) return undefined
  return overLimit(Math.max(memoryBytes, group.peakMemoryBytes() ?? 0), memoryBytes)
}

function overLimit(usedBytes: number, limitBytes: number): Interruption {
  const [used, may] = [usedBytes, limitBytes].map((each) => Math.round(each / 2 ** 20))
  const message = `It used more memory than it may: ${used} of ${may} MiB (\`resources: { memory: … }\`).`
  return { reason: 'out-of-memory', message, graceMs: 0 }
}

/** Exact only where it is over the limit; else the upper bound that shows it is not. */
function memoryOf(processes: readonly ProcessRow[], limitBytes: number): number {
  const resident = processes.reduce((sum, row) => sum + row.residentPages * PAGE_BYTES, 0)
  return resident <= limitBytes ? resident : processes.reduce((sum, row) => sum + proportionalBytes(row.pid), 0)
}

/** How many processes the kernel has killed for memory since it started. */
export function kernelMemoryKills(): number {
  return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'latin1'))?.[1] ?? 0)
}

/** Where the kernel does not say, what is resident *now*: of a process that has just ended, nothing. */
function proportionalBytes(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readRollup(pid))?.[1]
  if (kilobytes !== undefined) return Number(kilobytes) * 1024
  return (readProcess(pid)?.residentPages ?? 0) * PAGE_BYTES
}

function readRollup(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  } catch {
    // The process has ended, or the kernel is built without it.
    return ''
  }
}
