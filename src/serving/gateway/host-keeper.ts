import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, isAppError } from '../../core/errors.ts'
import { limit } from '../../core/limits.ts'
import type { Tensor } from '../../core/ports/runtime.ts'
import type { HostSpec, HostStatus } from '../../core/route-table.ts'
import { openHost, type HostOptions, type ModelHost } from '../model-host/open-host.ts'

/** Requests handed to a host at once. More keep no model busier, and are lost with it when it dies. */
const WINDOW = 8
const CRASHES = 3
const CRASH_WINDOW_MS = 60_000
const RETRY_FAILED_MS = 30_000
const LONGEST_RETRY_MS = 600_000
const SWEEP_MS = 250

interface Job {
  readonly inputs: readonly Tensor[]
  readonly resolve: (answer: readonly Tensor[]) => void
  readonly reject: (error: unknown) => void
  readonly since: number
}

/**
 * Keeps one model host alive: the first start, and another after each death, at once after the first and
 * with growing pauses after that. Three deaths within a minute, or a first start that does not succeed, make
 * it `failed`, and it is tried again half a minute later, then ever less often. Requests that are not with the host yet wait through a restart and are answered by the
 * next one, so a death costs only what was under way.
 */
export class HostKeeper {
  readonly spec: HostSpec
  readonly #options: HostOptions
  readonly #stopping = new AbortController()
  readonly #queueLimit: number
  readonly #inferMs: number
  readonly #sweep: NodeJS.Timeout
  readonly #life: Promise<void>
  #waiting: Job[] = []
  #host: ModelHost | undefined
  #window = WINDOW
  #state: HostStatus['state'] = 'starting'
  #reason: string | undefined
  #restarts = 0
  #idle: (() => void) | undefined

  constructor(spec: HostSpec, options: HostOptions) {
    this.spec = spec
    this.#options = options
    this.#queueLimit = options.queue ?? limit('hostQueue')
    this.#inferMs = options.inferMs ?? limit('inferTimeoutMs')
    this.#sweep = setInterval(() => this.#dropLate(), SWEEP_MS)
    this.#life = this.#live()
  }

  get state(): HostStatus['state'] {
    return this.#state
  }

  /** Asked before a request's body is read. */
  get isFull(): boolean {
    return this.#waiting.length >= this.#queueLimit
  }

  get status(): HostStatus {
    const reason = this.#reason === undefined ? {} : { reason: this.#reason }
    const pid = this.#host === undefined ? {} : { pid: this.#host.pid }
    return { id: this.spec.id, state: this.#state, restarts: this.#restarts, ...reason, ...pid }
  }

  /** Rejects as `ModelHost.predict`, with OVERLOADED when too many wait, with NOT_READY when the host has failed. */
  predict(inputs: readonly Tensor[]): Promise<readonly Tensor[]> {
    const host = this.#host
    if (host !== undefined && this.#waiting.length === 0 && host.inFlight < this.#window) {
      const answer = host.predict(inputs)
      void answer.catch(() => undefined).then(() => this.#pump())
      return answer
    }
    if (this.#state === 'failed') return Promise.reject(this.#failed())
    if (this.isFull)
      return Promise.reject(
        new AppError('OVERLOADED', `the model "${this.spec.manifest.name}" has ${this.#queueLimit} requests waiting`),
      )
    return new Promise((resolve, reject) => this.#waiting.push({ inputs, resolve, reject, since: performance.now() }))
  }

  /** Resolves when nothing is under way or waits: who calls it lets no more requests in. */
  async untilIdle(): Promise<void> {
    if (this.#isIdle()) return
    await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  /** Ends the host, whatever is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    clearInterval(this.#sweep)
    await this.#host?.close()
    await this.#life
    this.#rejectWaiting(new AppError('NOT_READY', `the model host of "${this.spec.manifest.name}" was stopped`))
  }

  async #live(): Promise<void> {
    const { signal } = this.#stopping
    const crashes: number[] = []
    let wasReady = false
    let failures = 0
    while (!signal.aborted) {
      const lived = await this.#liveOnce()
      if (signal.aborted) return
      wasReady ||= lived
      const now = performance.now()
      crashes.push(now)
      while ((crashes[0] ?? now) < now - CRASH_WINDOW_MS) crashes.shift()
      const hasFailed = !wasReady || crashes.length >= CRASHES
      this.#state = hasFailed ? 'failed' : 'starting'
      this.#restarts++
      if (hasFailed) this.#rejectWaiting(this.#failed())
      failures = hasFailed ? failures + 1 : 0
      const pauseMs = hasFailed
        ? Math.min(RETRY_FAILED_MS * 2 ** (failures - 1), LONGEST_RETRY_MS)
        : 500 * (crashes.length - 1)
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** One host from start to death. Whether it was ever ready. */
  async #liveOnce(): Promise<boolean> {
    const { signal } = this.#stopping
    try {
      const host = await openHost(this.spec, { ...this.#options, signal })
      this.#host = host
      this.#window = Math.max(WINDOW, host.concurrency)
      this.#state = 'ready'
      this.#reason = undefined
      this.#pump()
      const stopped = new Promise<undefined>((resolve) =>
        signal.addEventListener('abort', () => resolve(undefined), { once: true }),
      )
      this.#reason = (await Promise.race([host.died, stopped])) ?? 'was stopped'
      this.#host = undefined
      if (signal.aborted) await host.close()
      return true
    } catch (error) {
      this.#reason = isAppError(error) ? error.message : String(error)
      return false
    }
  }

  #pump(): void {
    while (this.#host !== undefined && this.#waiting.length > 0 && this.#host.inFlight < this.#window) {
      const job = this.#waiting.shift()
      if (job !== undefined) void this.#do(job, this.#host)
    }
    if (this.#idle !== undefined && this.#isIdle()) this.#idle()
  }

  async #do(job: Job, host: ModelHost): Promise<void> {
    try {
      job.resolve(await host.predict(job.inputs))
    } catch (error) {
      job.reject(error)
    }
    this.#pump()
  }

  #isIdle(): boolean {
    return this.#waiting.length === 0 && (this.#host?.inFlight ?? 0) === 0
  }

  /** Those that waited for as long as a request may take get an answer, though the host is not to blame. */
  #dropLate(): void {
    const oldest = performance.now() - this.#inferMs
    if ((this.#waiting[0]?.since ?? oldest) >= oldest) return
    const late = this.#waiting.filter((job) => job.since < oldest)
    this.#waiting = this.#waiting.filter((job) => job.since >= oldest)
    const error = new AppError(
      'UPSTREAM',
      `the model "${this.spec.manifest.name}" did not get to the request in time`,
      { reason: 'timeout' },
    )
    for (const job of late) job.reject(error)
    this.#pump()
  }

  #rejectWaiting(error: AppError): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const job of waiting) job.reject(error)
    this.#pump()
  }

  #failed(): AppError {
    return new AppError('NOT_READY', this.#reason ?? `the model host of "${this.spec.manifest.name}" does not run`)
  }
}
