import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { ATTEMPT_MARK } from '../../core/attempt-files.ts'
import type { TensorSpec } from '../../core/bundle.ts'
import { AppError } from '../../core/errors.ts'
import { limit } from '../../core/limits.ts'
import type { Tensor } from '../../core/ports/runtime.ts'
import type { HostSpec } from '../../core/route-table.ts'
import { programFile } from '../../lib/own-files.ts'
import { createFrameReader, decodeTensors, encodeFrame, encodeTensors, FRAME, type Frame } from './frames.ts'
import { HOST_MARK, kill, killMarked, treeMemoryBytes } from './process-tree.ts'
import { makeProgramHome, removeProgramHome } from './program-home.ts'

/**
 * One model in a process of its own. Ends by `close`, or by dying: then `died` resolves with the reason in
 * words, what was under way is rejected with UPSTREAM, and the host is of no more use. Whoever wants another
 * opens another.
 */
export interface ModelHost extends AsyncDisposable {
  readonly id: string
  readonly pid: number
  /** As the model says; empty for models that cannot say. */
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  readonly inFlight: number
  /** How many predictions the model works on at once. */
  readonly concurrency: number
  /**
   * Rejects with UPSTREAM (`details.reason`: `model` when the model itself failed, `died` or `timeout` when
   * the host was lost) or OVERLOADED. The inputs must match the signature (`checkInputs`).
   */
  predict(inputs: readonly Tensor[]): Promise<readonly Tensor[]>
  /** Never resolves for a host that was closed. */
  readonly died: Promise<string>
  /** Waits for nothing: what is under way is rejected. */
  close(): Promise<void>
}

export interface HostOptions {
  readonly startMs?: number
  readonly inferMs?: number
  readonly queue?: number
  /** Begins the environment mark of the host's processes, so that a successor of its parent can find them. */
  readonly owner?: string
  readonly log?: (line: string) => void
  readonly signal?: AbortSignal
}

const WATCH_MS = 100
/** Thread stacks, the heap's reservations and code: what a process maps beyond what it uses. */
const MAPPED_SLACK_BYTES = 1 << 30
const KEPT_LOG_LINES = 20
const PROGRAM = programFile('serving/model-host/program')

/** Resolves when the model is loaded; rejects with INVALID_INPUT and the reason when it cannot be. */
export async function openHost(spec: HostSpec, options: HostOptions = {}): Promise<ModelHost> {
  const host = new HostProcess(spec, options)
  await host.load()
  return host
}

interface Pending {
  readonly resolve: (answer: readonly Tensor[]) => void
  readonly reject: (error: AppError) => void
  readonly sentAt: number
}

class HostProcess implements ModelHost {
  readonly id: string
  readonly died: Promise<string>
  inputs: readonly TensorSpec[] = []
  outputs: readonly TensorSpec[] = []
  concurrency = 1

  readonly #spec: HostSpec
  readonly #options: HostOptions
  readonly #mark: string
  /** Undefined for a model that brings no program. */
  readonly #programHome: string | undefined
  readonly #child: ChildProcess
  readonly #socket: Duplex
  readonly #exited: Promise<void>
  readonly #watch: NodeJS.Timeout
  readonly #pending = new Map<number, Pending>()
  readonly #lastLines: string[] = []
  readonly #inferMs: number
  readonly #queue: number
  #tellDeath: (reason: string) => void = () => undefined
  #loaded: { resolve: () => void; reject: (error: AppError) => void } | undefined
  #lastAnswerAt = 0
  #nextId = 1
  #doom: { reason: string; kind: 'died' | 'timeout' } | undefined
  #state: 'loading' | 'ready' | 'ended' = 'loading'

  constructor(spec: HostSpec, options: HostOptions) {
    this.id = spec.id
    this.#spec = spec
    this.#options = options
    this.#inferMs = options.inferMs ?? limit('inferTimeoutMs')
    this.#queue = options.queue ?? limit('hostQueue')
    const owner = options.owner ?? 'task'
    this.#mark = `${owner}:${spec.id}:${randomUUID()}`
    this.#programHome = spec.manifest.runtime.kind === 'onnx' ? undefined : makeProgramHome(owner, spec.folder)
    this.died = new Promise((resolve) => (this.#tellDeath = resolve))
    this.#child = spawnHost(spec.memoryBytes, this.#mark)
    this.#socket = this.#child.stdio[3] as Duplex
    this.#socket.on(
      'data',
      createFrameReader((frame) => this.#receive(frame)),
    )
    this.#socket.on('error', () => this.#socket.destroy())
    for (const stream of [this.#child.stdout, this.#child.stderr]) this.#keepLines(stream)
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(this.#end(`could not be started: ${error.message}`)))
      // `close`, not `exit`: what it printed last is then here too.
      this.#child.once('close', (code, signal) => resolve(this.#end(describeExit(code, signal))))
    })
    this.#watch = setInterval(() => this.#look(), WATCH_MS)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get inFlight(): number {
    return this.#pending.size
  }

  async load(): Promise<void> {
    const { signal } = this.#options
    const startMs = this.#options.startMs ?? limit('hostStartMs')
    const timer = setTimeout(() => this.#kill('timeout', `did not load within ${startMs / 1_000} s`), startMs)
    const abort = (): void => this.#kill('died', 'was stopped while it loaded')
    signal?.addEventListener('abort', abort)
    try {
      await new Promise<void>((resolve, reject) => {
        this.#loaded = { resolve, reject }
        const { manifest, folder } = this.#spec
        this.#socket.write(encodeFrame(0, FRAME.load, { manifest, folder, env: this.#programEnvironment() }))
      })
    } catch (error) {
      await this.close()
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  predict(inputs: readonly Tensor[]): Promise<readonly Tensor[]> {
    if (this.#state !== 'ready') return Promise.reject(this.#lost(this.#doom?.reason ?? 'has ended'))
    if (this.#pending.size >= this.#queue) {
      return Promise.reject(
        new AppError('OVERLOADED', `the model "${this.#spec.manifest.name}" has ${this.#queue} requests waiting`),
      )
    }
    return new Promise((resolve, reject) => {
      const id = this.#nextId
      this.#nextId = (id + 1) >>> 0 || 1
      this.#pending.set(id, { resolve, reject, sentAt: performance.now() })
      this.#socket.write(encodeTensors(id, FRAME.predict, inputs))
    })
  }

  async close(): Promise<void> {
    this.#tellDeath = () => undefined
    this.#kill('died', 'was stopped')
    await this.#exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #programEnvironment(): Record<string, string> {
    const home = this.#programHome
    const own = home === undefined ? {} : { HOME: home, TMPDIR: home, USER: 'tidegate', LOGNAME: 'tidegate' }
    return { ...own, ...this.#spec.env, ...marks(this.#mark) }
  }

  #receive(frame: Frame): void {
    if (frame.kind === FRAME.loaded) return this.#becomeReady(frame)
    if (frame.kind === FRAME.refused) {
      const { message } = frame.header as { message: string }
      return this.#loaded?.reject(new AppError('INVALID_INPUT', message, { log: this.#lastLines }))
    }
    const pending = this.#pending.get(frame.id)
    if (pending === undefined) return
    this.#pending.delete(frame.id)
    this.#lastAnswerAt = performance.now()
    if (frame.kind === FRAME.answer) return pending.resolve(decodeTensors(frame))
    const { message } = frame.header as { message: string }
    pending.reject(new AppError('UPSTREAM', `the model failed: ${message}`, { reason: 'model' }))
  }

  #becomeReady(frame: Frame): void {
    const says = frame.header as Pick<ModelHost, 'inputs' | 'outputs' | 'concurrency'>
    this.inputs = says.inputs
    this.outputs = says.outputs
    this.concurrency = says.concurrency
    this.#state = 'ready'
    this.#loaded?.resolve()
  }

  /** The bounds that the host cannot keep for itself. */
  #look(): void {
    const used = treeMemoryBytes(this.pid)
    if (used > this.#spec.memoryBytes)
      return this.#kill('died', `used ${mebibytes(used)} of memory; its limit is ${mebibytes(this.#spec.memoryBytes)}`)
    const oldest = this.#pending.values().next().value
    if (oldest === undefined) return
    const silentSince = Math.max(oldest.sentAt, this.#lastAnswerAt)
    if (performance.now() - silentSince > this.#inferMs)
      this.#kill('timeout', `did not answer within ${this.#inferMs / 1_000} s`)
  }

  #kill(kind: 'died' | 'timeout', reason: string): void {
    if (this.#state === 'ended') return
    this.#doom ??= { kind, reason }
    if (this.#child.pid !== undefined) kill(-this.#child.pid)
  }

  /** When nothing of it is left. */
  #end(exit: string): Promise<void> | undefined {
    if (this.#state === 'ended') return undefined
    const lastLine = this.#lastLines.at(-1)
    this.#doom ??= { kind: 'died', reason: lastLine === undefined ? exit : `${exit}: ${lastLine}` }
    const wasLoading = this.#state === 'loading'
    this.#state = 'ended'
    clearInterval(this.#watch)
    this.#socket.destroy()
    const cleared = this.#clearProgram()
    const error = this.#lost(this.#doom.reason)
    if (wasLoading)
      this.#loaded?.reject(new AppError('INVALID_INPUT', error.message, { ...error.details, log: this.#lastLines }))
    for (const pending of this.#pending.values()) pending.reject(error)
    this.#pending.clear()
    this.#tellDeath(error.message)
    return cleared
  }

  async #clearProgram(): Promise<void> {
    if (this.#programHome === undefined) return
    killMarked(this.#mark)
    await removeProgramHome(this.#programHome, (error) =>
      this.#options.log?.(`its temporary folder stays: ${String(error)}`),
    )
  }

  #lost(reason: string): AppError {
    const message = `the model host of "${this.#spec.manifest.name}" ${reason}`
    return new AppError('UPSTREAM', message, { reason: this.#doom?.kind ?? 'died' })
  }

  #keepLines(stream: NodeJS.ReadableStream | null): void {
    let rest = ''
    stream?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = (lines.pop() ?? '').slice(-4_096)
      for (const line of lines) this.#keepLine(line)
    })
  }

  #keepLine(line: string): void {
    this.#options.log?.(line)
    this.#lastLines.push(line.slice(0, 500))
    if (this.#lastLines.length > KEPT_LOG_LINES) this.#lastLines.shift()
  }
}

/**
 * `ulimit -d` bounds what the process may map privately: an allocation of 100 GB fails at once, before the
 * watch on its resident memory could see it. (`ulimit -v` cannot be used: V8 reserves much more than it
 * touches.)
 */
function spawnHost(memoryBytes: number, mark: string): ChildProcess {
  const kibibytes = Math.ceil((memoryBytes + MAPPED_SLACK_BYTES) / 1_024)
  const script = `ulimit -d ${kibibytes} 2>/dev/null; ulimit -c 0; exec "$0" "$@"`
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', LANG: 'C.UTF-8', ...marks(mark) }
  return spawn('/bin/sh', ['-c', script, process.execPath, PROGRAM], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
    env,
  })
}

/** Where the host is a task's, its attempt's end finds the programs too. */
function marks(mark: string): Record<string, string> {
  const attempt = process.env[ATTEMPT_MARK]
  return { [HOST_MARK]: mark, ...(attempt === undefined ? {} : { [ATTEMPT_MARK]: attempt }) }
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}
