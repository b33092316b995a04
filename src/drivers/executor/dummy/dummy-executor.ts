import { setTimeout as sleepReally } from 'node:timers/promises'
import { appendFile, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ATTEMPT_FILES } from '../../../core/attempt-files.ts'
import { parseDummyScript, type Directive } from './dummy-script.ts'
import type { ArtifactRef } from '../../../core/tree.ts'
import type { AttemptOrder, CompletionRecord, Executor, Handle, Observation } from '../../../core/ports/executor.ts'
import type { Store } from '../../../core/ports/store.ts'

export interface DummyExecutorOptions {
  /** Where `out` puts its content. The caller closes it. */
  readonly store: Store
  /** Absent: real time. Rejects when `signal` is aborted. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

/**
 * Runs nothing: an attempt does what its `run` says in the few words of `dummy-script.ts`, in memory but for
 * its log. For tests of what is above an executor. Dies with its process; `cancel` knows no grace.
 */
export function openDummyExecutor({ store, sleep = sleepFor }: DummyExecutorOptions): Executor {
  const attempts = new Map<Handle, DummyAttempt>()

  return {
    id: 'dummy',
    probe: async () => ({ cpus: 1_000, gpus: 0, memoryBytes: 2 ** 40 }),
    async submit(order, _, confirmed) {
      const handle = order.attemptFolder
      if (!attempts.has(handle)) attempts.set(handle, startAttempt(order, store, sleep, confirmed))
      return handle
    },
    async observe(handles) {
      return new Map(handles.map((handle) => [handle, attempts.get(handle)?.observation() ?? { kind: 'gone' }]))
    },
    async abandon(handle) {
      attempts.get(handle)?.cancel()
    },
    async cancel(handle) {
      attempts.get(handle)?.cancel()
    },
    listOwned: async () => [...attempts.keys()].sort(),
    async forget(handle) {
      attempts.delete(handle)
    },
    async [Symbol.asyncDispose]() {
      for (const attempt of attempts.values()) attempt.cancel()
      await Promise.all([...attempts.values()].map((attempt) => attempt.settled))
    },
  }
}

interface DummyAttempt {
  observation(): Observation
  cancel(): void
  readonly settled: Promise<void>
}

function startAttempt(
  order: AttemptOrder,
  store: Store,
  sleep: NonNullable<DummyExecutorOptions['sleep']>,
  confirmed: Promise<void> = Promise.resolve(),
): DummyAttempt {
  const abort = new AbortController()
  const startedAt = Date.now()
  const progress: Progress = {
    order,
    store,
    sleep,
    signal: abort.signal,
    sleptMs: 0,
    silentMs: 0,
    logBytes: 0,
    outs: {},
  }
  let observation: Observation | undefined

  const settled = confirmed
    .then(() => perform(progress))
    .then(
      (end) => {
        observation = end === 'lost' ? { kind: 'gone' } : { kind: 'ended', record: recordOf(progress, end, startedAt) }
      },
      (error: unknown) => {
        const end: End = abort.signal.aborted
          ? { outcome: 'cancelled', reason: 'cancelled', message: 'It was cancelled.' }
          : { outcome: 'failed', reason: 'setup-error', message: String(error) }
        observation = { kind: 'ended', record: recordOf(progress, end, startedAt) }
      },
    )
  return {
    observation: () => observation ?? { kind: 'running', startedAt, logBytes: progress.logBytes },
    cancel: () => abort.abort(),
    settled,
  }
}

interface Progress {
  readonly order: AttemptOrder
  readonly store: Store
  readonly sleep: NonNullable<DummyExecutorOptions['sleep']>
  readonly signal: AbortSignal
  readonly outs: Record<string, ArtifactRef>
  /** Time is what was slept: a timeout ends a `sleep`, and nothing else takes time. */
  sleptMs: number
  silentMs: number
  logBytes: number
}

type End = Pick<CompletionRecord, 'outcome' | 'reason' | 'message' | 'exitCode'>

async function perform(progress: Progress): Promise<End | 'lost'> {
  const { order, signal } = progress
  if (order.command.kind === 'task') throw new Error('the dummy executor runs no tasks')
  const attemptNumber = Number(/\/(\d+)$/.exec(order.attemptId)?.[1] ?? 1)
  for (const written of parseDummyScript(withVariables(order.command.run, order.env))) {
    signal.throwIfAborted()
    const directive = unlessPast(written, attemptNumber)
    const end = directive && (await follow(directive, progress))
    if (end) return end
  }
  const missing = [...order.outs, ...order.keep].filter((path) => !progress.outs[path])
  if (missing.length === 0) return { outcome: 'succeeded', exitCode: 0 }
  return {
    outcome: 'failed',
    reason: 'missing-outs',
    message: `It ended well but did not write ${missing.join(', ')}.`,
    exitCode: 0,
  }
}

/** `"$NAME"` and `${NAME}` are what a shell would make of them: expressions of a `run` come as these. */
function withVariables(run: string, env: AttemptOrder['env']): string {
  return run.replaceAll(
    /"\$(\w+)"|\$\{(\w+)\}/g,
    (_, quoted?: string, braced?: string) => env[quoted ?? braced ?? ''] ?? '',
  )
}

function unlessPast(directive: Directive, attemptNumber: number): Directive | undefined {
  if (directive.kind !== 'first') return directive
  return attemptNumber <= directive.times ? directive.directive : undefined
}

async function follow(directive: Directive, progress: Progress): Promise<End | 'lost' | undefined> {
  switch (directive.kind) {
    case 'print':
      return print(`${directive.text}\n`, progress)
    case 'sleep':
      return sleepWithin(directive.ms, progress)
    case 'out':
      progress.outs[directive.path] = { kind: 'file', ...(await progress.store.put(Buffer.from(directive.content))) }
      return undefined
    case 'exit':
      if (directive.code === 0) return undefined
      return {
        outcome: 'failed',
        reason: 'exit',
        message: `It ended with exit code ${directive.code}.`,
        exitCode: directive.code,
      }
    case 'lost':
      return 'lost'
    case 'out-of-memory':
      return { outcome: 'failed', reason: 'out-of-memory', message: 'It used more memory than it may.' }
    case 'first':
      throw new Error('a "first" inside a "first"')
  }
}

async function sleepWithin(ms: number, progress: Progress): Promise<End | undefined> {
  const { timeoutMs, silenceTimeoutMs = Infinity } = progress.order
  const [left, quiet] = [timeoutMs - progress.sleptMs, silenceTimeoutMs - progress.silentMs]
  const slept = Math.min(ms, left, quiet)
  await progress.sleep(slept, progress.signal)
  progress.sleptMs += slept
  progress.silentMs += slept
  if (ms <= left && ms <= quiet) return undefined
  if (left <= quiet) return { outcome: 'failed', reason: 'timeout', message: 'It ran longer than its timeout.' }
  return { outcome: 'failed', reason: 'silence', message: 'It printed nothing for longer than its silence-timeout.' }
}

async function print(text: string, progress: Progress): Promise<undefined> {
  const log = join(progress.order.attemptFolder, ATTEMPT_FILES.log)
  await mkdir(dirname(log), { recursive: true })
  await appendFile(log, text)
  progress.logBytes += Buffer.byteLength(text)
  progress.silentMs = 0
  return undefined
}

function recordOf({ order, outs, logBytes }: Progress, end: End, startedAt: number): CompletionRecord {
  const only = (paths: readonly string[]) =>
    Object.fromEntries(Object.entries(outs).filter(([path]) => paths.includes(path)))
  return {
    version: 1,
    attemptId: order.attemptId,
    ...end,
    startedAt,
    endedAt: Date.now(),
    logBytes,
    logLostBytes: 0,
    outs: end.outcome === 'succeeded' ? only(order.outs) : {},
    kept: only(order.keep),
  }
}

async function sleepFor(ms: number, signal: AbortSignal): Promise<void> {
  await sleepReally(ms, undefined, { signal })
}
