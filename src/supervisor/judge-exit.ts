import { statfsSync } from 'node:fs'
import { failed, NOTHING, type AttemptEnd } from './attempt-end.ts'
import { endOfMemory, kernelMemoryKills } from './memory-check.ts'
import { readTaskOutput } from './task-process.ts'
import type { ControlGroup } from '../lib/control-group.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import type { CommandExit } from './spawn-session.ts'

/** Ordered from what is known best: the task's own word, then causes outside it, then the bare exit. */
export function judgeExit(
  order: AttemptOrder,
  exit: CommandExit,
  { killsBefore, group }: { readonly killsBefore: number; readonly group: ControlGroup | undefined },
): AttemptEnd {
  const taskOutput = order.command.kind === 'task' ? readTaskOutput(order) : undefined
  if (taskOutput?.failure) return { ...failed(taskOutput.failure.reason, taskOutput.failure.message), taskOutput }
  const memory = exit.exitCode === 0 ? undefined : endOfMemory(order, group)
  if (memory) return failed(memory.reason, memory.message)
  if (exit.exitCode !== 0) return endOfFailure(order, exit, killsBefore)
  if (order.command.kind === 'command') return { outcome: 'succeeded', ...NOTHING }
  if (!taskOutput) return failed('setup-error', 'The task ended without an answer.')
  return { outcome: 'succeeded', outs: taskOutput.outs ?? {}, kept: {}, taskOutput }
}

function endOfFailure(order: AttemptOrder, { exitCode, signal }: CommandExit, killsBefore: number): AttemptEnd {
  const wasKilled = signal === 'SIGKILL' || exitCode === 137
  if (wasKilled && kernelMemoryKills() > killsBefore) {
    return failed('out-of-memory', 'The kernel killed it because the machine had no memory left.')
  }
  if (isFull(order.workspace))
    return failed('disk-full', 'It failed when no space was left on the disk of its workspace.')
  if (signal) return failed('signal', `It was killed by ${signal}, which was not sent by Tidegate.`)
  const reason = order.command.kind === 'task' ? 'setup-error' : 'exit'
  return failed(reason, `It ended with exit code ${exitCode}.`)
}

function isFull(folder: string): boolean {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize < 1 << 20
}
