import type { AttemptOrder, CompletionRecord, Executor, Observation } from '../../src/core/ports/executor.ts'
import type { TaskOutput } from '../../src/core/task.ts'

export interface ScriptedExecutor extends Executor {
  /** What `observe` says of an attempt from now on, one after the other; the last one for ever. */
  say(attemptId: string, ...observations: readonly Observation[]): void
  readonly submitted: string[]
  readonly cancelled: string[]
  readonly forgotten: string[]
}

/** An executor that does nothing and says what the test wants said; at first that everything runs. */
export function openScriptedExecutor(): ScriptedExecutor {
  const orders = new Map<string, AttemptOrder>()
  const scripts = new Map<string, Observation[]>()
  const submitted: string[] = []
  const cancelled: string[] = []
  const forgotten: string[] = []
  return {
    id: 'scripted',
    submitted,
    cancelled,
    forgotten,
    say: (attemptId, ...observations) => void scripts.set(attemptId, [...observations]),
    probe: async () => ({ cpus: 4, gpus: 0, memoryBytes: 1 }),
    async submit(order) {
      if (!orders.has(order.attemptFolder)) submitted.push(order.attemptId)
      orders.set(order.attemptFolder, order)
      return order.attemptFolder
    },
    observe: async (handles) =>
      new Map(handles.map((handle) => [handle, next(scripts.get(orders.get(handle)?.attemptId ?? ''))])),
    abandon: async (handle) => void cancelled.push(`${orders.get(handle)?.attemptId ?? handle} abandoned`),
    cancel: async (handle) => void cancelled.push(orders.get(handle)?.attemptId ?? handle),
    listOwned: async () => [...orders.keys()],
    forget: async (handle) => void forgotten.push(orders.get(handle)?.attemptId ?? handle),
    [Symbol.asyncDispose]: async () => undefined,
  }
}

function next(script: Observation[] | undefined): Observation {
  const running: Observation = { kind: 'running', logBytes: 0 }
  return (script !== undefined && script.length > 1 ? script.shift() : script?.[0]) ?? running
}

export function ended(
  attemptId: string,
  outcome: CompletionRecord['outcome'],
  changes: Partial<CompletionRecord> = {},
): Observation {
  const record: CompletionRecord = {
    version: 1,
    attemptId,
    outcome,
    ...(outcome === 'failed' ? { reason: 'exit', message: 'It ended with exit code 1.', exitCode: 1 } : {}),
    startedAt: Date.now(),
    endedAt: Date.now(),
    logBytes: 0,
    logLostBytes: 0,
    outs: {},
    kept: {},
    ...changes,
  }
  return { kind: 'ended', record }
}

export function endedTask(attemptId: string, taskOutput: TaskOutput): Observation {
  return ended(attemptId, taskOutput.failure === undefined ? 'succeeded' : 'failed', { taskOutput })
}
