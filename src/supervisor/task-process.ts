import { join } from 'node:path'
import { readJsonFile } from '../lib/json-file.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import type { TaskOutput } from '../core/task.ts'

/** What a task's process answers, beside the order. The supervisor puts it into the completion record. */
export const TASK_OUTPUT = 'task-output.json'

export function taskArgv(entry: string, order: AttemptOrder): readonly [string, ...string[]] {
  return [process.execPath, entry, 'task', order.attemptFolder]
}

export function readTaskOutput(order: AttemptOrder): TaskOutput | undefined {
  return readJsonFile(join(order.attemptFolder, TASK_OUTPUT)) as TaskOutput | undefined
}
