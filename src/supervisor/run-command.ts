import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { reach } from '../core/points.ts'
import { endProcesses, killUntilNone } from '../lib/end-processes.ts'
import { hasCode } from '../lib/error-code.ts'
import { askedToEnd, findAttemptProcesses } from './attempt-processes.ts'
import { diskCheck } from './disk-check.ts'
import type { ControlGroup } from '../lib/control-group.ts'
import { endOfMemory, memoryCheck } from './memory-check.ts'
import type { Mount } from './mount-folders.ts'
import { spawnSession, type CommandExit } from './spawn-session.ts'
import type { Services } from './services.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import { aborted, type AttemptWatch } from './watch-attempt.ts'
import type { LogFile } from './log-file.ts'
import type { OutputPipe } from './output-pipe.ts'
import { writeOrEnd } from './write-or-end.ts'
import type { ProcessIdentity } from '../core/attempt-files.ts'

export interface CommandPlace {
  readonly order: AttemptOrder
  readonly pipe: OutputPipe
  readonly log: LogFile
  readonly watch: AttemptWatch
  readonly group: ControlGroup | undefined
  readonly mounts: readonly Mount[]
  /** What runs beside it, and counts as its own. */
  readonly services: Pick<Services, 'roots'> & AsyncDisposable
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
  const { identity: command, exited } = await spawnSession(argv, env, place)
  const roots = [command, ...place.services.roots]
  const rows = () => findAttemptProcesses(order, roots, place.group)
  const find = () => rows().map((row) => row.pid)

  const clocks = watch.startClocks()
  const output = pipe.read((chunk) => {
    clocks.printed()
    writeOrEnd(log, chunk, watch)
  })
  place.onStart(command)
  offerToMemoryKiller(command)
  addChecks(place, roots)

  await reach('command started', order.attemptId)
  await Promise.race([exited, aborted(watch.signal)])
  clocks.stop()
  if (!watch.interruption) await place.services[Symbol.asyncDispose]()
  const left = watch.interruption
    ? await endProcesses(find, { asked: askedToEnd(rows(), roots), graceMs: watch.interruption.graceMs })
    : await killUntilNone(find, 10_000)
  if (left.length > 0) place.onLeft(left)
  const exit = await exited
  await Promise.race([output.ended, sleep(DRAIN_MS, undefined, { ref: false })])
  output.destroy()
  return exit
}

/** What the kernel does not limit is looked at. */
function addChecks({ order, watch, group }: CommandPlace, roots: readonly ProcessIdentity[]): void {
  if (order.diskBytes !== undefined) watch.addCheck(diskCheck(order, order.diskBytes))
  if (order.memoryBytes === undefined) return
  const isLimited = group?.limitsMemory === true
  watch.addCheck(
    isLimited ? () => endOfMemory(order, group) : memoryCheck({ order, limitBytes: order.memoryBytes, roots, group }),
  )
}

/** When the machine runs out of memory the kernel shall end a step, and not a server. */
function offerToMemoryKiller({ pid }: ProcessIdentity): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '500')
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) throw error
  }
}
