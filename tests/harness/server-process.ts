import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
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
  readonly server: { readonly address: string; readonly gatewayAddress: string }
  readonly pid: number
  /** SIGKILL: nothing of it gets a word. Returns when it is gone. */
  kill(): Promise<void>
  start(): Promise<void>
  /** One more `up` on the same data folder, until it ends. */
  second(): Promise<{ code: number | null; stderr: string }>
}

export async function startTestServerProcess(
  kind: DatabaseKind,
  /** Of `server.yaml`. */
  config?: string,
): Promise<TestServerProcess> {
  await using opening = new AsyncDisposableStack()
  const folder = opening.use(await temporaryFolder())
  const place = opening.use(await createTestDatabase(kind))
  const dataFolder = join(folder.path, 'data')
  const environment = { ...process.env, TIDEGATE_DATABASE_URL: place.url }
  if (config !== undefined) await writeFile(configOf(dataFolder), config)
  let running = await startUp(dataFolder, 0, environment)
  const { address, gatewayAddress } = running
  opening.defer(async () => {
    // Started again where a test left it dead: it takes its gateway with it when it ends in order.
    if (running.child.exitCode !== null || running.child.signalCode !== null)
      running = await startUp(dataFolder, Number(new URL(address).port), environment)
    running.child.kill('SIGTERM')
    await running.exited
  })
  const token = (await readFile(join(dataFolder, 'admin-token'), 'utf8')).trim()
  const owned = opening.move()
  return {
    ...peopleOf(address, folder.path, token),
    folder: folder.path,
    dataFolder,
    server: { address, gatewayAddress },
    get pid() {
      return running.child.pid ?? 0
    },
    async kill() {
      running.child.kill('SIGKILL')
      await running.exited
    },
    async start() {
      running = await startUp(dataFolder, Number(new URL(address).port), environment)
    },
    async second() {
      const { child, stderr, exited } = spawnUp(dataFolder, 0, environment)
      await exited
      return { code: child.exitCode, stderr: stderr() }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function startUp(dataFolder: string, port: number, environment: NodeJS.ProcessEnv) {
  const { child, exited, stdout, stderr } = spawnUp(dataFolder, port, environment)
  const isUp = () => /^Data:/m.test(stdout())
  while (!isUp() && child.exitCode === null && child.signalCode === null)
    await Promise.race([once(child.stdout, 'data'), exited])
  const [, address] = /^Tidegate is up: (.*)$/m.exec(stdout()) ?? []
  const [, gatewayAddress] = /^Predictions: +(.*)$/m.exec(stdout()) ?? []
  if (address === undefined || gatewayAddress === undefined) throw new Error(`tidegate up: ${stderr()}`)
  return { child, exited, address, gatewayAddress }
}

function configOf(dataFolder: string): string {
  return `${dataFolder}.yaml`
}

function spawnUp(dataFolder: string, port: number, environment: NodeJS.ProcessEnv) {
  const args = [PROGRAM, 'up', '--data', dataFolder, '--port', String(port), '--gateway-port', '0']
  if (existsSync(configOf(dataFolder))) args.push('--config', configOf(dataFolder))
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment })
  const exited = once(child, 'exit')
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  return { child, exited, stdout: () => out, stderr: () => err }
}
