import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ATTEMPT_FILES } from '../core/attempt-files.ts'
import { readJsonFile } from '../lib/json-file.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import type { Interruption } from './attempt-end.ts'

export interface AttemptWatch {
  /** Aborted with an `Interruption` as its reason. */
  readonly signal: AbortSignal
  readonly interruption: Interruption | undefined
  interrupt(interruption: Interruption): void
  /** From now on the command's timeouts count. Returns the way to tell that it printed something. */
  startClocks(): { printed(): void; stop(): void }
  /** Called every tick while clocks run; what it returns ends the command. */
  addCheck(check: () => Interruption | undefined): void
  close(): void
}

const TICK_MS = 100

/**
 * Everything that can end an attempt from outside, looked at ten times a second: the cancel file and the
 * clocks. A watch on the folder would be 50 ms faster and is lost on network file systems. Clocks are
 * monotonic: setting the machine's time ends nothing.
 */
export function watchAttempt(order: AttemptOrder): AttemptWatch {
  const controller = new AbortController()
  const checks: (() => Interruption | undefined)[] = [() => readCancel(order)]

  function tick(): void {
    for (const check of checks) {
      const found = check()
      if (found) interrupt(found)
    }
  }

  function interrupt(interruption: Interruption): void {
    if (!controller.signal.aborted) controller.abort(interruption)
  }

  const onTerminate = () => interrupt(shutDown(order))
  process.on('SIGTERM', onTerminate)
  const timer = setInterval(tick, TICK_MS)
  tick()

  return {
    signal: controller.signal,
    get interruption() {
      return controller.signal.aborted ? (controller.signal.reason as Interruption) : undefined
    },
    interrupt,
    addCheck: (check) => void checks.push(check),
    startClocks() {
      const clocks = createClocks(order)
      const check = () => clocks.check()
      checks.push(check)
      return { printed: () => clocks.printed(), stop: () => void checks.splice(checks.indexOf(check), 1) }
    },
    close() {
      clearInterval(timer)
      process.off('SIGTERM', onTerminate)
    },
  }
}

/** Fulfilled when it is. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

function createClocks({ timeoutMs, silenceTimeoutMs = Infinity, graceMs }: AttemptOrder) {
  const startedAt = performance.now()
  let printedAt = startedAt

  return {
    printed() {
      printedAt = performance.now()
    },
    check(): Interruption | undefined {
      const now = performance.now()
      if (now - startedAt > timeoutMs) {
        return { reason: 'timeout', message: `It ran longer than its timeout of ${inWords(timeoutMs)}.`, graceMs }
      }
      if (now - printedAt > silenceTimeoutMs) {
        return { reason: 'silence', message: `It printed nothing for ${inWords(silenceTimeoutMs)}.`, graceMs }
      }
      return undefined
    },
  }
}

function readCancel(order: AttemptOrder): Interruption | undefined {
  const path = join(order.attemptFolder, ATTEMPT_FILES.cancel)
  if (!existsSync(path)) return undefined
  const { graceMs = order.graceMs } = (readJsonFile(path) ?? {}) as { graceMs?: number }
  return { reason: 'cancelled', message: 'It was cancelled.', graceMs }
}

/** The machine goes down: the attempt may be tried again elsewhere or later, as any that lost its supervisor. */
function shutDown({ graceMs }: AttemptOrder): Interruption {
  return {
    reason: 'executor-lost',
    message: 'Its supervisor was told to stop, as when the machine shuts down.',
    graceMs,
  }
}

function inWords(ms: number): string {
  if (ms < 1000) return `${ms} ms`
  if (ms < 120_000) return `${ms / 1000} s`
  return ms < 7_200_000 ? `${Math.round(ms / 6000) / 10} min` : `${Math.round(ms / 360_000) / 10} h`
}
