import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from '../../../core/errors.ts'
import { modelUser } from '../../../core/model-user.ts'

export interface ProgramOrder {
  readonly command: string
  readonly args: readonly string[]
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly readyPath: string
  readonly readyTimeoutMs: number
  readonly log: (line: string) => void
}

/** A program of the bundle's that listens on `$PORT`. */
export interface Program {
  readonly port: number
  readonly died: Promise<string>
  stop(): Promise<void>
}

const POLL_MS = 50
const STOP_GRACE_MS = 2_000

/**
 * Resolves when the program says that it is ready; fails with INVALID_INPUT and its last words when it does
 * not. Started by root it runs as `modelUser`: what its author wrote has no business in our files.
 */
export async function startProgram(order: ProgramOrder): Promise<Program> {
  refuseUnreachable(order)
  const port = await freePort()
  const child = spawn(order.command, order.args, {
    cwd: order.folder,
    env: { ...order.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...modelUser(order.folder),
  })
  let lastLine = ''
  const keep = (line: string): void => {
    if (line.trim() !== '') lastLine = line
    order.log(line)
  }
  for (const stream of [child.stdout, child.stderr]) eachLine(stream, keep)
  const died = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`))
    child.once('close', (code, signal) =>
      resolve(`ended with ${signal ?? `exit code ${code}`}${lastLine === '' ? '' : `: ${lastLine}`}`),
    )
  })
  await untilReady(order, port, died, child)
  return { port, died, stop: () => stop(child, died) }
}

const DEATH_MS = 2_000
const BROKEN = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'])

/**
 * What a request to the program failed with. A broken connection is mostly that of a program which is dying, and
 * then `died` has the better words: they get the chance to be told first.
 */
export async function letDeathTell(program: Program, error: unknown): Promise<never> {
  const isBroken = error instanceof Error && 'code' in error && BROKEN.has(String(error.code))
  if (isBroken) await Promise.race([program.died, sleep(DEATH_MS, undefined, { ref: false })])
  throw error
}

function refuseUnreachable({ folder, env }: ProgramOrder): void {
  const environment = env['VIRTUAL_ENV']
  if (environment !== undefined && !existsSync(join(environment, 'bin'))) {
    throw new AppError(
      'INVALID_INPUT',
      `its build environment ${environment} is gone; rerun the run that made this model to build it again`,
    )
  }
  const closed = modelUser(folder) === undefined ? undefined : (closedTo(environment ?? folder) ?? closedTo(folder))
  if (closed === undefined) return
  throw new AppError(
    'INVALID_INPUT',
    `the user that runs models may not pass through ${closed}. Keep Tidegate's data elsewhere (TIDEGATE_DATA=/var/lib/tidegate), or allow it: chmod o+x ${closed}.`,
  )
}

/** The first folder on the way that others than its owner may not pass. */
function closedTo(path: string): string | undefined {
  const folders: string[] = []
  for (let folder = path; folder !== '/'; folder = dirname(folder)) folders.unshift(folder)
  return folders.find((folder) => (statSync(folder).mode & 0o001) === 0)
}

async function untilReady(
  order: ProgramOrder,
  port: number,
  died: Promise<string>,
  child: ChildProcess,
): Promise<void> {
  const abort = new AbortController()
  const failed = died.then((how) => `the model's program ${how}`)
  const late = sleep(
    order.readyTimeoutMs,
    `the model's program was not ready on $PORT within ${order.readyTimeoutMs / 1_000} s`,
    { signal: abort.signal },
  ).catch(() => '')
  try {
    const trouble = await Promise.race([poll(`http://127.0.0.1:${port}${order.readyPath}`, abort.signal), failed, late])
    if (trouble === undefined) return
    await stop(child, died)
    throw new AppError('INVALID_INPUT', trouble)
  } finally {
    abort.abort()
  }
}

async function poll(url: string, signal: AbortSignal): Promise<undefined> {
  while (!signal.aborted) {
    const isReady = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(2_000)]) }).then(
      async (response) => {
        await response.body?.cancel()
        return response.ok
      },
      () => false,
    )
    if (isReady) return undefined
    await sleep(POLL_MS)
  }
  return undefined
}

async function stop(child: ChildProcess, died: Promise<string>): Promise<void> {
  signalGroup(child, 'SIGTERM')
  await Promise.race([died, sleep(STOP_GRACE_MS)])
  signalGroup(child, 'SIGKILL')
  await died
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function eachLine(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  let rest = ''
  stream?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = (lines.pop() ?? '').slice(-4_096)
    for (const line of lines) take(line)
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}
