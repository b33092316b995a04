import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Starter {
  /** Tells one supervisor what to do and lets go of it. */
  start(attemptFolder: string, secrets: Readonly<Record<string, string>>): void
  /** Whether the supervisor we started for this attempt has ended. What it did stands in the folder. */
  hasEnded(attemptFolder: string): boolean
  forget(attemptFolder: string): void
  close(): Promise<void>
}

interface StarterOptions {
  readonly folder: string
  readonly spares: number
  readonly taskEntry?: string
}

/**
 * New spares are started when the attempt that took one has had the processor for a moment: long enough that
 * its command is running. In a chain of short steps 100 ms came too late for the next one, 85 ms a step
 * instead of 51.
 */
const SPARE_DELAY_MS = 5

const PROGRAM = fileURLToPath(
  new URL(`../../../supervisor/program.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
)

/**
 * Starts supervisors so that they outlive us: own session, no pipe but a stdin that is closed after one
 * line. A spare is the same program started before there is a line; it ends by itself when we do.
 */
export function createStarter({ folder, spares, taskEntry }: StarterOptions): Starter {
  const ended = new Set<string>()
  const waiting = new Set<ChildProcess>()
  let timer: NodeJS.Timeout | undefined

  function fill(): void {
    while (waiting.size < spares) {
      const child = spawnSupervisor(folder)
      waiting.add(child)
      child.once('exit', () => waiting.delete(child))
    }
  }

  function takeSpare(): ChildProcess | undefined {
    for (const child of waiting) {
      waiting.delete(child)
      if (isRunning(child)) return child
    }
    return undefined
  }

  fill()
  return {
    start(attemptFolder, secrets) {
      const child = takeSpare() ?? spawnSupervisor(folder)
      child.once('exit', () => ended.add(attemptFolder))
      tell(child, { attemptFolder, secrets, ...(taskEntry === undefined ? {} : { taskEntry }) })
      clearTimeout(timer)
      timer = setTimeout(fill, SPARE_DELAY_MS).unref()
    },
    hasEnded: (attemptFolder) => ended.has(attemptFolder),
    forget: (attemptFolder) => void ended.delete(attemptFolder),
    async close() {
      clearTimeout(timer)
      await Promise.all([...waiting].map(dismiss))
    },
  }
}

async function dismiss(child: ChildProcess): Promise<void> {
  child.ref()
  child.stdin?.end()
  if (isRunning(child)) await once(child, 'exit')
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

function spawnSupervisor(folder: string): ChildProcess {
  const stderr = openSync(join(folder, 'supervisors.log'), 'a', 0o600)
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM], {
    stdio: ['pipe', 'ignore', stderr],
    cwd: '/',
    // Nothing else is inherited: what the server has in its environment is no business of a step's neighbour.
    env: { NODE_COMPILE_CACHE: join(folder, 'compile-cache'), PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    detached: true,
  })
  closeSync(stderr)
  child.on('error', () => child.emit('exit'))
  child.unref()
  if (child.stdin instanceof Socket) child.stdin.unref()
  return child
}

function tell(child: ChildProcess, line: object): void {
  // EPIPE: it is dead, and `exit` says so too.
  child.stdin?.on('error', () => child.stdin?.destroy())
  child.stdin?.end(`${JSON.stringify(line)}\n`)
}
