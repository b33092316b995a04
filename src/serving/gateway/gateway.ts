import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../core/errors.ts'
import { limit } from '../../core/limits.ts'
import type { GatewayStatus, HostSpec, RouteTable } from '../../core/route-table.ts'
import type { HostOptions } from '../model-host/open-host.ts'
import { killMarked } from '../model-host/process-tree.ts'
import { removeProgramHomes } from '../model-host/program-home.ts'
import { PredictionSpool } from '../prediction-log/prediction-spool.ts'
import { Counters } from './counters.ts'
import { handleRequest } from './handle-request.ts'
import { HostKeeper } from './host-keeper.ts'
import { indexRoutes, isSameHost, type RouteIndex } from './route-index.ts'

export interface GatewayOptions {
  readonly folder: string
  readonly host: string
  readonly port: number
  readonly serverVersion: string
  /** Bounds of the model hosts, where they are not those of `core/limits.ts`. */
  readonly hosts?: Pick<HostOptions, 'inferMs' | 'startMs' | 'queue'>
  readonly log: (line: Readonly<Record<string, unknown>>) => void
}

const EMPTY: RouteTable = { revision: 0, hosts: [], routes: [] }

/** What one gateway process is: routes, model hosts, counters and the log of predictions behind one port. */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #counters = new Counters()
  readonly #server: Server
  readonly #retiring = new Set<Promise<void>>()
  readonly spool: PredictionSpool
  #keepers: ReadonlyMap<string, HostKeeper> = new Map()
  #applying: Promise<unknown> = Promise.resolve()
  #index: RouteIndex = { table: EMPTY, environments: new Map() }
  #inFlight = 0
  #draining = false

  constructor(options: GatewayOptions) {
    this.#options = options
    this.spool = new PredictionSpool(join(options.folder, 'spool'), options.log)
    this.#server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 60_000 }, (request, response) => {
      this.#inFlight++
      response.once('close', () => this.#inFlight--)
      void handleRequest(this, request, response)
    })
    // Clients that ask first (curl does for large bodies) are refused before they send anything.
    this.#server.on('checkContinue', (request, response) => {
      if (Number(request.headers['content-length'] ?? 0) <= limit('inferBodyBytes')) response.writeContinue()
      this.#server.emit('request', request, response)
    })
  }

  get index(): RouteIndex {
    return this.#index
  }

  get isDraining(): boolean {
    return this.#draining
  }

  get serverVersion(): string {
    return this.#options.serverVersion
  }

  logError(error: unknown): void {
    this.#options.log({
      level: 'error',
      event: 'request failed',
      error: error instanceof Error ? error.stack : String(error),
    })
  }

  /** Serves the last table there was, before anybody has said anything. Returns the address. */
  async start(): Promise<string> {
    // Hosts of a gateway that was killed may sit in native code and not notice that it is gone.
    killMarked(`${this.#options.folder}:`)
    await removeProgramHomes(this.#options.folder, (error) => this.logError(error))
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 })
    await this.spool.adoptLeftovers()
    const saved = await this.#readSaved()
    if (saved !== undefined) this.#put(saved)
    await this.#listen()
    const { address, port } = this.#server.address() as AddressInfo
    return `http://${address.includes(':') ? `[${address}]` : address}:${port}`
  }

  /**
   * Puts a table in force; returns when it is: from then on no new request is answered by what it leaves
   * out. Hosts that it adds are started, and arms that name them get no traffic until they are ready.
   */
  async apply(table: RouteTable): Promise<void> {
    const done = this.#applying.then(() => this.#applyNow(table))
    this.#applying = done.catch(() => undefined)
    await done
  }

  status(): GatewayStatus {
    return {
      revision: this.#index.table.revision,
      pid: process.pid,
      hosts: [...this.#keepers.values()].map((keeper) => keeper.status),
      counters: this.#counters.list(),
    }
  }

  /**
   * Ends without failing a request: first not ready, so that balancers look elsewhere, while everything is
   * still answered for `deregisterMs`; then no new connections; then the last answers, within `graceMs`.
   */
  async drain(deregisterMs: number, graceMs: number): Promise<void> {
    this.#draining = true
    await sleep(deregisterMs)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const deadline = performance.now() + graceMs
    while (this.#inFlight > 0 && performance.now() < deadline) await sleep(10)
    this.#server.closeAllConnections()
    await closed
    await Promise.all([...this.#keepers.values()].map((keeper) => keeper.stop()))
    await Promise.all(this.#retiring)
    await this.spool.close()
  }

  async #applyNow(table: RouteTable): Promise<void> {
    const { revision } = this.#index.table
    if (table.revision < revision) {
      throw new AppError(
        'STATE_CONFLICT',
        `revision ${table.revision} of the route table is older than ${revision}, which is in force`,
      )
    }
    const path = this.#savedPath()
    await writeFile(`${path}.new`, JSON.stringify(table), { mode: 0o600 })
    await rename(`${path}.new`, path)
    this.#put(table)
  }

  #put(table: RouteTable): void {
    const keepers = this.#keepersFor(table.hosts)
    const before = this.#keepers
    try {
      this.#index = indexRoutes(table, keepers, this.#counters)
    } catch (error) {
      for (const keeper of keepers.values()) if (before.get(keeper.spec.id) !== keeper) void keeper.stop()
      throw new AppError('INVALID_INPUT', (error as Error).message, {}, { cause: error })
    }
    this.#keepers = keepers
    for (const keeper of before.values()) if (keepers.get(keeper.spec.id) !== keeper) this.#retire(keeper)
    this.#counters.forgetOld(table.routes.length * 2)
  }

  #keepersFor(specs: readonly HostSpec[]): Map<string, HostKeeper> {
    const owner = this.#options.folder
    return new Map(
      specs.map((spec) => {
        const running = this.#keepers.get(spec.id)
        if (running !== undefined && isSameHost(running.spec, spec)) return [spec.id, running]
        return [spec.id, new HostKeeper(spec, { ...this.#options.hosts, owner })]
      }),
    )
  }

  #retire(keeper: HostKeeper): void {
    const retired = keeper.untilIdle().then(() => keeper.stop())
    this.#retiring.add(retired)
    void retired.finally(() => this.#retiring.delete(retired))
  }

  async #readSaved(): Promise<RouteTable | undefined> {
    try {
      return JSON.parse(await readFile(this.#savedPath(), 'utf8')) as RouteTable
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      this.#options.log({ level: 'error', event: 'saved routes are unreadable', error: String(error) })
      return undefined
    }
  }

  #savedPath(): string {
    return join(this.#options.folder, 'routes.json')
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, backlog: 1_024 }, () => resolve())
    })
  }
}
