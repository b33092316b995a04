import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { reach } from '../core/points.ts'
import { endProcesses, killUntilNone } from '../lib/end-processes.ts'
import { hasCode } from '../lib/error-code.ts'
import { readProcess } from '../lib/processes.ts'
import { findAttemptProcesses } from './attempt-processes.ts'
import { isDiskFull } from '../core/storage-error.ts'
import { memoryCheck } from './memory-check.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import type { AttemptWatch } from './watch-attempt.ts'
import type { LogFile } from './log-file.ts'
import type { OutputPipe } from './output-pipe.ts'
import type { ProcessIdentity } from '../core/attempt-files.ts'

export interface CommandExit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

export interface CommandPlace {
  readonly order: AttemptOrder
  readonly pipe: OutputPipe
  readonly log: LogFile
  readonly watch: AttemptWatch
  onStart(command: ProcessIdentity): void
  /** Called with what could not be killed. */
  onLeft(pids: readonly number[]): void
}

/** When everything is dead the pipe closes by itself; somebody unmarked holding it open shall not hold us up. */
const DRAIN_MS = 2_000

/**
 * Runs the program in a session of its own until it has ended and *no process of it is left*: whatever it
 * left behind is killed. An interruption gets the whole tree TERM, the grace, KILL.
 */
export async function runCommand(
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  place: CommandPlace,
): Promise<CommandExit> {
  const { order, pipe, log, watch } = place
  const child = start(argv, env, place)
  await once(child, 'spawn')
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const command = identify(child)
  const find = () => findAttemptProcesses(order, command).map((row) => row.pid)

  const clocks = watch.startClocks()
  const output = pipe.read((chunk) => {
    clocks.printed()
    writeOrEnd(log, chunk, watch)
  })
  place.onStart(command)
  offerToMemoryKiller(command)
  if (order.memoryBytes !== undefined) watch.addCheck(memoryCheck(order, order.memoryBytes, command))

  await reach('command started', order.attemptId)
  await Promise.race([exited, aborted(watch.signal)])
  clocks.stop()
  const left = watch.interruption
    ? await endProcesses(find, watch.interruption.graceMs)
    : await killUntilNone(find, 10_000)
  if (left.length > 0) place.onLeft(left)
  const [exitCode, signal] = await exited
  await Promise.race([output.ended, sleep(DRAIN_MS, undefined, { ref: false })])
  output.destroy()
  return { exitCode, signal }
}

function start(
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  place: CommandPlace,
): ChildProcess {
  const { order, pipe } = place
  const [program, ...rest] = argv
  if (order.runAs) pipe.giveTo(order.runAs)
  return spawn(program, rest, {
    stdio: ['ignore', pipe.writeEnd, pipe.writeEnd],
    cwd: order.workspace,
    env: { ...env },
    detached: true,
    ...order.runAs,
  })
}

/** Of a child that ended already nothing can be read, but its pid is taken until we have heard of its exit. */
function identify(child: ChildProcess): ProcessIdentity {
  const pid = child.pid ?? 0
  return { pid, startTicks: readProcess(pid)?.startTicks ?? readProcess(process.pid)?.startTicks ?? '0' }
}

/** When the machine runs out of memory the kernel shall end a step, and not a server. */
function offerToMemoryKiller({ pid }: ProcessIdentity): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '500')
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) throw error
  }
}

/** A log that cannot be written ends the command: an attempt without its log proves nothing. */
function writeOrEnd(log: LogFile, chunk: Buffer, watch: AttemptWatch): void {
  try {
    log.write(chunk)
  } catch (error) {
    const reason = isDiskFull(error) ? 'disk-full' : 'setup-error'
    watch.interrupt({ reason, message: `Its log could not be written: ${String(error)}`, graceMs: 0 })
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}
