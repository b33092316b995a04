import { join } from 'node:path'
import { openArtifacts } from '../artifacts/open-artifacts.ts'
import { ATTEMPT_FILES } from '../core/attempt-files.ts'
import { AppError } from '../core/errors.ts'
import { openFolderStore } from '../drivers/store/folder/folder-store.ts'
import { readJsonFile, replaceJsonFile } from '../lib/json-file.ts'
import { isLostContent } from '../core/lost-content.ts'
import { isDiskFull } from '../core/storage-error.ts'
import { TASK_OUTPUT } from './task-process.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import type { Task, TaskOutput } from '../core/task.ts'
import type { TaskName } from '../core/plan.ts'

/**
 * The whole of `tidegate task <attempt folder>`: runs one task for the supervisor that started this process,
 * and writes its answer beside the order. Whatever goes wrong is an answer too; the process then ends with 1.
 * TERM aborts the task's signal.
 */
export async function runTaskProcess(
  tasks: Readonly<Record<TaskName, Task>>,
  attemptFolder = process.argv.at(-1) ?? '',
): Promise<void> {
  const output = await answer(tasks, attemptFolder)
  replaceJsonFile(join(attemptFolder, TASK_OUTPUT), output)
  process.exitCode = output.failure ? 1 : 0
}

async function answer(tasks: Readonly<Record<string, Task>>, attemptFolder: string): Promise<TaskOutput> {
  try {
    const order = readJsonFile(join(attemptFolder, ATTEMPT_FILES.order)) as AttemptOrder
    return await runTask(tasks, order)
  } catch (error) {
    return { failure: failureOf(error) }
  }
}

async function runTask(tasks: Readonly<Record<string, Task>>, order: AttemptOrder): Promise<TaskOutput> {
  const { command } = order
  if (command.kind !== 'task') throw new Error(`${order.attemptId} is not a task`)
  const task = tasks[command.task]
  if (!task) throw new AppError('NOT_AVAILABLE_YET', `This Tidegate has no task called ${command.task}.`)
  const abort = new AbortController()
  process.once('SIGTERM', () => abort.abort())
  await using store = await openFolderStore(order.storeFolder)
  return await task.run(command.input, {
    workspace: order.workspace,
    dataFolder: command.dataFolder,
    artifacts: openArtifacts(store),
    signal: abort.signal,
    log: (line) => console.log(line),
  })
}

/** An `AppError` is meant for people, and the supervisor puts its message into the log. The rest is a bug: its stack is needed. */
function failureOf(error: unknown): NonNullable<TaskOutput['failure']> {
  if (isDiskFull(error)) return { reason: 'disk-full', message: 'No space was left on the disk.' }
  if (isLostContent(error)) return { reason: 'damaged-input', message: error.message }
  if (error instanceof AppError) return { reason: 'setup-error', message: error.message }
  console.log(error)
  return { reason: 'setup-error', message: error instanceof Error ? error.message : String(error) }
}
