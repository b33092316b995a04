import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../core/errors.ts'
import type { GatewayStatus, RouteTable } from '../core/route-table.ts'
import { compileCache } from '../lib/compile-cache.ts'
import { programFile } from '../lib/own-files.ts'
import { askControl } from './gateway/control-client.ts'
import type { GatewayFile } from './gateway/program.ts'
import { kill, startTicksOf } from './model-host/process-tree.ts'

export interface GatewayOrder {
  /** The gateway's own: routes, control socket, spool, log. */
  readonly folder: string
  readonly host: string
  /** 0: any; then the one it had before, where that is still free. */
  readonly port: number
  /** Further arguments of the gateway's program (`runGateway`). */
  readonly args?: readonly string[]
}

/**
 * The server's hold on the gateway. Letting go of it (`Symbol.asyncDispose`) leaves the gateway running;
 * `stop` ends it. While it is held, a gateway that dies is started again and serves its last routes.
 */
export interface GatewayControl extends AsyncDisposable {
  /** `http://host:port`. The same after a restart, unless somebody took the port. */
  readonly address: string
  readonly pid: number
  /** It was started for this server, not found at work. */
  readonly isOwn: boolean
  /** Returns when the table is in force. A revision older than the one in force is a STATE_CONFLICT. */
  postRoutes(table: RouteTable): Promise<void>
  status(): Promise<GatewayStatus>
  /** Returns when all these hosts are ready; fails with NOT_READY and the reason when one has failed or time is up. */
  untilReady(hostIds: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<void>
  /** Drains and ends it; returns when it is gone. */
  stop(): Promise<void>
}

const START_MS = 20_000
const POLL_MS = 20
const WATCH_MS = 500
const STOP_MS = 40_000
const LATE_MS = 2_000
const PROGRAM = programFile('serving/gateway/program')

/** Adopts the gateway that runs for this folder, or starts one that outlives this process. */
export async function startGateway(order: GatewayOrder): Promise<GatewayControl> {
  const absolute = { ...order, folder: resolve(order.folder) }
  await mkdir(absolute.folder, { recursive: true, mode: 0o700 })
  const found = await adopt(absolute)
  return new HeldGateway(absolute, found ?? (await start(absolute)), found === undefined)
}

class HeldGateway implements GatewayControl {
  readonly isOwn: boolean
  readonly #order: GatewayOrder
  readonly #watch: NodeJS.Timeout
  #file: GatewayFile
  #restarting: Promise<void> | undefined
  /** From here on one that has ended stays so, whoever still asks for it. */
  #isLetGo = false

  constructor(order: GatewayOrder, file: GatewayFile, isOwn: boolean) {
    this.isOwn = isOwn
    this.#order = order
    this.#file = file
    this.#watch = setInterval(() => this.#look(), WATCH_MS)
    this.#watch.unref()
  }

  get address(): string {
    return this.#file.address
  }

  get pid(): number {
    return this.#file.pid
  }

  async postRoutes(table: RouteTable): Promise<void> {
    await this.#ask('POST', '/routes', table)
  }

  async status(): Promise<GatewayStatus> {
    return (await this.#ask('GET', '/status')) as GatewayStatus
  }

  async untilReady(hostIds: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      signal?.throwIfAborted()
      const { hosts } = await this.status()
      const waiting = hostIds.filter((id) => hosts.find((host) => host.id === id)?.state !== 'ready')
      if (waiting.length === 0) return
      const failed = hosts.find((host) => waiting.includes(host.id) && host.state === 'failed')
      if (failed !== undefined)
        throw new AppError('NOT_READY', failed.reason ?? `model host ${failed.id} has failed`, { host: failed.id })
      if (performance.now() > deadline)
        throw new AppError('NOT_READY', `model hosts ${waiting.join(', ')} are not ready after ${timeoutMs / 1_000} s`)
      await sleep(POLL_MS, undefined, { signal })
    }
  }

  async stop(): Promise<void> {
    await this[Symbol.asyncDispose]()
    if (!isAlive(this.#file)) return
    await this.#ask('POST', '/drain')
    await untilGone(this.#file)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isLetGo = true
    clearInterval(this.#watch)
    await this.#restarting
  }

  async #ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    this.#look()
    await this.#restarting
    return await askControl(this.#order.folder, method, path, body)
  }

  #look(): void {
    if (this.#isLetGo || this.#restarting !== undefined || isAlive(this.#file)) return
    this.#restarting = this.#restart().finally(() => (this.#restarting = undefined))
    // Whoever asks next hears of it; the watch tries again until then.
    this.#restarting.catch(() => undefined)
  }

  async #restart(): Promise<void> {
    this.#file = await start(this.#order)
  }
}

async function adopt(order: GatewayOrder): Promise<GatewayFile | undefined> {
  const file = await readGatewayFile(order.folder)
  if (file === undefined || !isAlive(file)) return undefined
  const answers = await askControl(order.folder, 'GET', '/status').then(
    () => true,
    () => false,
  )
  const fits = order.port === 0 || new URL(file.address).port === String(order.port)
  if (answers && fits) return file
  if (answers) await askControl(order.folder, 'POST', '/drain')
  else kill(file.pid)
  await untilGone(file)
  return undefined
}

/** One that a server started which died before it answered: it has the port, and writes down who it is. */
async function adoptLate(order: GatewayOrder): Promise<GatewayFile | undefined> {
  const deadline = performance.now() + LATE_MS
  while (performance.now() < deadline) {
    const found = await adopt(order)
    if (found !== undefined) return found
    await sleep(POLL_MS)
  }
  return undefined
}

async function start(order: GatewayOrder): Promise<GatewayFile> {
  const before = await readGatewayFile(order.folder)
  const lastPort = before === undefined ? 0 : Number(new URL(before.address).port)
  if (order.port !== 0 || lastPort === 0) return await startOn(order, order.port)
  return await startOn(order, lastPort).catch(() => startOn(order, 0))
}

async function startOn(order: GatewayOrder, port: number): Promise<GatewayFile> {
  const log = openSync(join(order.folder, 'gateway.log'), 'a', 0o600)
  const args = [PROGRAM, '--folder', order.folder, '--host', order.host, '--port', String(port), ...(order.args ?? [])]
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: gatewayEnv(order.folder),
    cwd: order.folder,
  })
  closeSync(log)
  child.unref()
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`it ended with exit code ${code}`)))
  })
  failed.catch(() => undefined)
  const waiting = new AbortController()
  try {
    return await Promise.race([untilServing(order.folder, child.pid ?? 0, waiting.signal), failed])
  } catch (cause) {
    waiting.abort()
    const said = (await readFile(join(order.folder, 'gateway.log'), 'utf8')).slice(-2_000).trim()
    const isTaken = said.includes('EADDRINUSE')
    const other = isTaken ? await adoptLate(order) : undefined
    if (other !== undefined) return other
    if (isTaken) throw portTaken(order.host, port)
    throw new AppError(
      'UPSTREAM',
      `the gateway did not start on ${order.host}:${port}: ${(cause as Error).message}\n${said}`,
      {},
      { cause },
    )
  }
}

function portTaken(host: string, port: number): AppError {
  return new AppError(
    'INVALID_INPUT',
    `Port ${port} of ${host} is taken by another program. Stop that one, or choose another port for predictions with --gateway-port (0 takes a free one).`,
  )
}

async function untilServing(folder: string, pid: number, signal: AbortSignal): Promise<GatewayFile> {
  const deadline = performance.now() + START_MS
  while (performance.now() < deadline && !signal.aborted) {
    const file = await readGatewayFile(folder)
    if (file?.pid === pid) return file
    await sleep(POLL_MS)
  }
  kill(pid)
  throw new Error(`it did not answer within ${START_MS / 1_000} s`)
}

async function untilGone(file: GatewayFile): Promise<void> {
  const deadline = performance.now() + STOP_MS
  while (isAlive(file)) {
    if (performance.now() > deadline) kill(file.pid)
    await sleep(POLL_MS)
  }
}

function isAlive(file: GatewayFile): boolean {
  return startTicksOf(file.pid) === file.startTicks
}

async function readGatewayFile(folder: string): Promise<GatewayFile | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'gateway.json'), 'utf8')) as GatewayFile
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Nothing of the server's: models run below the gateway. */
function gatewayEnv(folder: string): Record<string, string> {
  const { PATH = '/usr/bin:/bin', HOME, TZ } = process.env
  const own = { PATH, LANG: 'C.UTF-8', ...compileCache(folder) }
  return { ...own, ...(HOME === undefined ? {} : { HOME }), ...(TZ === undefined ? {} : { TZ }) }
}
