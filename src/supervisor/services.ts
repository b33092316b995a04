import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { serviceLog } from '../core/attempt-files.ts'
import { AppError } from '../core/errors.ts'
import type { PlanService } from '../core/plan.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import { serviceVariable } from '../core/service-variable.ts'
import type { ControlGroup } from '../lib/control-group.ts'
import { endProcesses } from '../lib/end-processes.ts'
import { askedToEnd, findAttemptProcesses } from './attempt-processes.ts'
import { openLogFile, type LogFile } from './log-file.ts'
import { lastLines } from './last-lines.ts'
import { createMasker } from './mask.ts'
import { freePorts, isReady } from './service-readiness.ts'
import { spawnSession, type CommandExit, type Session } from './spawn-session.ts'
import type { OutputPipe } from './output-pipe.ts'
import type { AttemptWatch } from './watch-attempt.ts'
import { noteOrEnd, writeOrEnd } from './write-or-end.ts'

export interface ServicesPlace {
  readonly order: AttemptOrder
  readonly env: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
  /** The step's own log: what becomes of services is said there. */
  readonly log: LogFile
  readonly watch: AttemptWatch
  readonly group: ControlGroup | undefined
  readonly takePipe: () => OutputPipe
  /** Called with what could not be killed. */
  onLeft(pids: readonly number[]): void
}

/** Programs beside a command. Disposing ends them: nothing of them lives afterwards. */
export interface Services extends AsyncDisposable {
  /** What the step reads their ports from. */
  readonly env: Readonly<Record<string, string>>
  readonly roots: readonly Session['identity'][]
  /** Says in the step's log what each printed last: for a step that failed. */
  showLastLines(): void
}

const NONE: Services = {
  env: {},
  roots: [],
  showLastLines: () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
}

/** They may write their data down; the step has its result by then, and does not wait long. */
const STOP_MS = 2_000
const SHOWN_LINES = 20

/** Starts all of them, and returns when all are ready. One that is not makes the attempt a `setup-error`. */
export async function startServices(place: ServicesPlace): Promise<Services> {
  const wanted = place.order.services ?? []
  if (wanted.length === 0) return NONE
  const ports = await freePorts(wanted.length)
  const env = Object.fromEntries(wanted.map(({ name }, at) => [serviceVariable(name), String(ports[at])]))
  const services = new RunningServices(place, env)
  try {
    for (const [at, service] of wanted.entries()) await services.start(service, ports[at] ?? 0)
    await services.untilReady()
    return services
  } catch (error) {
    await services[Symbol.asyncDispose]()
    throw error
  }
}

interface Running {
  readonly service: PlanService
  readonly port: number
  readonly env: Readonly<Record<string, string>>
  readonly session: Session
  readonly logFile: string
  readonly log: LogFile
  readonly output: ReturnType<OutputPipe['read']>
  end: CommandExit | undefined
  isReady: boolean
}

class RunningServices implements Services {
  readonly env: Readonly<Record<string, string>>
  readonly #place: ServicesPlace
  readonly #running: Running[] = []
  #waiting: readonly Promise<void>[] = []
  #stopping: Promise<void> | undefined

  constructor(place: ServicesPlace, env: Readonly<Record<string, string>>) {
    this.#place = place
    this.env = env
  }

  get roots() {
    return this.#running.map(({ session }) => session.identity)
  }

  async start(service: PlanService, port: number): Promise<void> {
    const { order, secrets, takePipe, watch } = this.#place
    const env = { ...this.#place.env, ...this.env, ...service.env, PORT: String(port) }
    const logFile = join(order.attemptFolder, serviceLog(service.name))
    // Before the service: one that had no log would be known to nobody, and live on.
    const log = openLogFile(logFile, order.logLimitBytes, createMasker(secrets))
    const pipe = takePipe()
    const session = await spawnSession(['/bin/sh', '-e', '-c', service.run], env, { order, pipe })
    const output = pipe.read((chunk) => writeOrEnd(log, chunk, watch))
    const running: Running = { service, port, env, session, logFile, log, output, end: undefined, isReady: false }
    this.#running.push(running)
    void session.exited.then((end) => this.#ended(running, end))
  }

  /** The first that cannot get ready ends the waiting for all: nothing is asked, and nothing said, when this has thrown. */
  async untilReady(): Promise<void> {
    const started = performance.now()
    const givenUp = new AbortController()
    const signal = AbortSignal.any([this.#place.watch.signal, givenUp.signal])
    this.#waiting = this.#running.map((running) =>
      this.#untilReady(running, started, signal).catch((error: unknown) => {
        givenUp.abort(error)
        throw error
      }),
    )
    await Promise.all(this.#waiting)
    for (const { service, port } of this.#running) {
      const seconds = ((performance.now() - started) / 1_000).toFixed(1)
      this.#note(`service ${service.name} is ready on port ${port} after ${seconds} s`)
    }
  }

  showLastLines(): void {
    for (const { service, logFile } of this.#running) {
      const lines = lastLines(logFile, SHOWN_LINES)
      this.#note(`service ${service.name}: ${lines.length === 0 ? 'it printed nothing' : 'its last lines'}`)
      for (const line of lines) this.#note(`  ${line}`)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const { order, group } = this.#place
    const rows = () => findAttemptProcesses(order, this.roots, group)
    const asked = askedToEnd(rows(), this.roots)
    const left = await endProcesses(() => rows().map(({ pid }) => pid), {
      asked,
      graceMs: Math.min(order.graceMs, STOP_MS),
    })
    if (left.length > 0) this.#place.onLeft(left)
    await Promise.allSettled(this.#waiting)
    for (const { output, log } of this.#running) {
      await Promise.race([output.ended, sleep(STOP_MS, undefined, { ref: false })])
      output.destroy()
      closeQuietly(log)
    }
  }

  async #untilReady(running: Running, started: number, signal: AbortSignal): Promise<void> {
    const { service } = running
    const { order } = this.#place
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.5, 250)) {
      signal.throwIfAborted()
      if (running.end !== undefined) throw this.#notReady(running, `it ${endInWords(running.end)} before it was ready`)
      const isUp = await isReady(running, () => ({ order, pipe: this.#place.takePipe() }))
      signal.throwIfAborted()
      if (isUp) return void (running.isReady = true)
      if (performance.now() - started > service.timeoutMs) {
        throw this.#notReady(running, `${missing(running)} within ${service.timeoutMs / 1_000} s`)
      }
      await sleep(pauseMs)
    }
  }

  #notReady({ service, logFile }: Running, why: string): AppError {
    this.showLastLines()
    const lines = lastLines(logFile, 3)
    const said = lines.length === 0 ? 'It printed nothing.' : `Its last lines: ${lines.join(' / ')}`
    return new AppError('INVALID_INPUT', `Service ${service.name} is not ready: ${why}. ${said}`)
  }

  #ended(running: Running, end: CommandExit): void {
    running.end = end
    if (this.#stopping !== undefined) return
    // Before that, the step does not run: `#notReady` tells of it.
    if (!running.isReady) return
    this.#note(`service ${running.service.name} ${endInWords(end)}; the step goes on without it`)
  }

  #note(line: string): void {
    noteOrEnd(this.#place.log, line, this.#place.watch)
  }
}

function missing({ service: { ready }, port }: Running): string {
  if (ready.kind === 'tcp') return `nothing listened on port ${port} ($PORT)`
  if (ready.kind === 'http') return `http://127.0.0.1:${port}${ready.path} did not answer with 2xx`
  return `\`${ready.run}\` did not end with 0`
}

function endInWords({ exitCode, signal }: CommandExit): string {
  return signal === null ? `ended with exit code ${exitCode}` : `was killed by ${signal}`
}

function closeQuietly(log: LogFile): void {
  try {
    log.close()
  } catch {
    // The disk is full. The second call only closes.
    log.close()
  }
}
