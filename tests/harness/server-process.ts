import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../source/git-place.ts'
import { createTestDatabase, type DatabaseKind } from './databases.ts'
import { peopleOf, type People } from './server.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/tidegate.js', import.meta.url))

/** `tidegate up` as a process of its own, which a test may kill and start again on the same data and port. */
export interface TestServerProcess extends People, AsyncDisposable {
  readonly folder: string
  readonly dataFolder: string
  readonly databaseUrl: string
  readonly server: { readonly address: string; readonly gatewayAddress: string }
  readonly pid: number
  readonly isRunning: boolean
  /** It runs, and has said that it is up. */
  readonly isUp: boolean
  /** SIGKILL: nothing of it gets a word. Returns when it is gone. */
  kill(): Promise<void>
  /** Returns when it has ended, by whatever. */
  exited(): Promise<void>
  /** Answers how long it took until it was up; undefined where it ended before that. */
  start(): Promise<number | undefined>
  /** One more `up` on the same data folder, until it ends. */
  second(): Promise<{ code: number | null; stderr: string }>
}

export interface TestProgram {
  /** Arguments of Node's own. */
  readonly node?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Puts the data folder where a test wants it, before there is anything in it. */
  readonly place?: (dataFolder: string) => Promise<AsyncDisposable>
}

/** `data-folder`: SQLite where `tidegate up` has it when nobody says otherwise. */
export async function startTestServerProcess(
  kind: DatabaseKind | 'data-folder',
  /** Of `server.yaml`. */
  config?: string,
  program: TestProgram = {},
): Promise<TestServerProcess> {
  await using opening = new AsyncDisposableStack()
  const folder = opening.use(await temporaryFolder())
  const dataFolder = join(folder.path, 'data')
  const url =
    kind === 'data-folder' ? `sqlite:${join(dataFolder, 'state.db')}` : opening.use(await createTestDatabase(kind)).url
  if (program.place !== undefined) {
    await mkdir(dataFolder)
    opening.use(await program.place(dataFolder))
  }
  const environment = { ...process.env, ...program.env, TIDEGATE_DATABASE_URL: url }
  if (config !== undefined) await writeFile(configOf(dataFolder), config)
  const startUp = (port: number) => startOn(dataFolder, port, environment, program.node ?? [])
  let running = await startUp(0)
  const { address, gatewayAddress } = running
  opening.defer(async () => {
    // Started again where a test left it dead: it takes its gateway with it when it ends in order.
    if (!isRunning(running.child)) running = await startUp(Number(new URL(address).port))
    running.child.kill('SIGTERM')
    await running.exited
  })
  const token = (await readFile(join(dataFolder, 'admin-token'), 'utf8')).trim()
  const owned = opening.move()
  return {
    ...peopleOf(address, folder.path, token),
    folder: folder.path,
    dataFolder,
    databaseUrl: url,
    server: { address, gatewayAddress },
    get pid() {
      return running.child.pid ?? 0
    },
    get isUp() {
      return isRunning(running.child) && running.isUp
    },
    get isRunning() {
      return isRunning(running.child)
    },
    async kill() {
      running.child.kill('SIGKILL')
      await running.exited
    },
    async exited() {
      await running.exited
    },
    async start() {
      const began = performance.now()
      running = await startUp(Number(new URL(address).port))
      return running.isUp ? performance.now() - began : undefined
    },
    async second() {
      const { child, stderr, exited } = spawnUp(dataFolder, 0, environment, [])
      await exited
      return { code: child.exitCode, stderr: stderr() }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function startOn(dataFolder: string, port: number, environment: NodeJS.ProcessEnv, node: readonly string[]) {
  const { child, exited, stdout, stderr } = spawnUp(dataFolder, port, environment, node)
  const isUp = () => /^Data:/m.test(stdout())
  while (!isUp() && isRunning(child)) await Promise.race([once(child.stdout, 'data'), exited])
  const [, address] = /^Tidegate is up: (.*)$/m.exec(stdout()) ?? []
  const [, gatewayAddress] = /^Predictions: +(.*)$/m.exec(stdout()) ?? []
  if (child.signalCode === 'SIGKILL') return { child, exited, address: '', gatewayAddress: '', isUp: false }
  if (address === undefined || gatewayAddress === undefined) throw new Error(`tidegate up: ${stderr()}`)
  return { child, exited, address, gatewayAddress, isUp: true }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

function configOf(dataFolder: string): string {
  return `${dataFolder}.yaml`
}

function spawnUp(dataFolder: string, port: number, environment: NodeJS.ProcessEnv, node: readonly string[]) {
  const args = [...node, PROGRAM, 'up', '--data', dataFolder, '--port', String(port), '--gateway-port', '0']
  if (existsSync(configOf(dataFolder))) args.push('--config', configOf(dataFolder))
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment })
  const exited = once(child, 'exit')
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  return { child, exited, stdout: () => out, stderr: () => err }
}
