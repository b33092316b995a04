import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { compileCache } from '../../../lib/compile-cache.ts'
import { removeLeftGroups } from '../../../lib/control-group.ts'
import { linesOf } from '../../../lib/lines-of.ts'
import { programFile } from '../../../lib/own-files.ts'
import { ATTEMPT_FILES, BEGIN, type StartOrder, type SupervisorWord } from '../../../core/attempt-files.ts'

export interface Starter {
  /** Tells one supervisor what to do, and to begin when that is confirmed. */
  start(task: Given): void
  /** Whether this process is the supervisor that we gave the attempt to, has it still, and lives. */
  isBusyWith(attemptFolder: string, pid: number): boolean
  /**
   * How long a supervisor that lives has been told of this attempt, by a clock that nobody sets; undefined: none of ours has
   * it under way.
   */
  toldForMs(attemptFolder: string): number | undefined
  /** Whether the supervisor we started for this attempt has ended. What it did stands in the folder. */
  hasEnded(attemptFolder: string): boolean
  forget(attemptFolder: string): void
  /** Calls with an attempt when its supervisor says that it has written the record, or ends. Returns how to stop. */
  onDone(listener: (attemptFolder: string) => void): () => void
  close(): Promise<void>
}

interface Given extends Pick<StartOrder, 'attemptFolder' | 'secrets'> {
  /** Rejected: it is never told to begin, and does when we are gone, and whoever comes next finds the attempt. */
  readonly confirmed: Promise<void>
}

interface StarterOptions {
  readonly folder: string
  readonly spares: number
  readonly taskEntry?: string
}

/**
 * New spares are started so long after the last attempt: the command of the one that took it is running by then, and
 * short attempts give theirs back meanwhile.
 */
const SPARE_DELAY_MS = 50

/** Beside the spares no more than this many wait for work, however many processors there are. */
const MOST_IDLE = 8

/** Those that nobody needed for so long end, but for the spares. */
const IDLE_MS = 60_000

const PROGRAM = programFile('supervisor/program')

/**
 * Starts supervisors so that they outlive us: own session, and of their pipes to us nothing matters to them
 * while they have work. One that is ready again takes the next attempt; when we end, those without work end
 * by themselves, and the others with their work.
 */
export function createStarter({ folder, spares, taskEntry }: StarterOptions): Starter {
  const most = Math.min(availableParallelism(), MOST_IDLE)
  const ended = new Set<string>()
  const listeners = new Set<(attemptFolder: string) => void>()
  const idle = new Set<ChildProcess>()
  const busy = new Map<ChildProcess, { readonly attemptFolder: string; readonly toldAt: number }>()
  /** Of those that waited for work: one that died before it heard of its attempt leaves it to another. */
  const unclaimed = new Map<ChildProcess, Given>()
  /** Of those that are ready again, the attempt that they have not said `done` of. */
  const recorded = new Map<ChildProcess, string>()
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  const trimming = setTimeout(trim, IDLE_MS).unref()

  function add(): ChildProcess {
    const child = spawnSupervisor(folder)
    child.once('exit', () => {
      idle.delete(child)
      const attemptFolder = busy.get(child)?.attemptFolder
      const given = unclaimed.get(child)
      busy.delete(child)
      recorded.delete(child)
      unclaimed.delete(child)
      removeLeftGroups()
      if (attemptFolder === undefined) return
      if (given !== undefined && !isClosed && !isClaimed(attemptFolder)) return give(add(), given)
      ended.add(attemptFolder)
      tellListeners(attemptFolder)
    })
    void listen(child)
    return child
  }

  async function listen(child: ChildProcess): Promise<void> {
    try {
      for await (const word of linesOf(child.stdout as Socket)) hear(child, word as SupervisorWord)
    } catch {
      // The pipe broke; `exit` says what is to be known.
    }
  }

  function hear(child: ChildProcess, word: SupervisorWord): void {
    const attemptFolder = recorded.get(child) ?? busy.get(child)?.attemptFolder
    if (word === 'done') {
      recorded.delete(child)
      if (attemptFolder !== undefined) tellListeners(attemptFolder)
      return
    }
    if (attemptFolder !== undefined) recorded.set(child, attemptFolder)
    busy.delete(child)
    unclaimed.delete(child)
    if (isClosed || idle.size >= most + spares) child.stdin?.end()
    else idle.add(child)
  }

  function give(child: ChildProcess, { attemptFolder, secrets, confirmed }: Given): void {
    busy.set(child, { attemptFolder, toldAt: performance.now() })
    const order: StartOrder = { attemptFolder, secrets, ...(taskEntry === undefined ? {} : { taskEntry }) }
    tell(child, JSON.stringify(order))
    confirmed.then(
      () => tell(child, BEGIN),
      () => undefined,
    )
  }

  function tellListeners(attemptFolder: string): void {
    for (const listener of listeners) listener(attemptFolder)
  }

  function fill(): void {
    while (idle.size < spares) idle.add(add())
  }

  function trim(): void {
    for (const child of [...idle].slice(spares)) {
      idle.delete(child)
      child.stdin?.end()
    }
  }

  function takeIdle(): ChildProcess | undefined {
    for (const child of idle) {
      idle.delete(child)
      if (isRunning(child)) return child
    }
    return undefined
  }

  fill()
  return {
    start(given) {
      const waiting = takeIdle()
      if (waiting !== undefined) unclaimed.set(waiting, given)
      give(waiting ?? add(), given)
      clearTimeout(timer)
      timer = setTimeout(fill, SPARE_DELAY_MS).unref()
      trimming.refresh()
    },
    isBusyWith: (attemptFolder, pid) =>
      busy
        .entries()
        .some(([child, has]) => has.attemptFolder === attemptFolder && child.pid === pid && isRunning(child)),
    toldForMs(attemptFolder) {
      const [, has] =
        busy.entries().find(([child, { attemptFolder: its }]) => its === attemptFolder && isRunning(child)) ?? []
      return has === undefined ? undefined : performance.now() - has.toldAt
    },
    hasEnded: (attemptFolder) => ended.has(attemptFolder),
    forget: (attemptFolder) => void ended.delete(attemptFolder),
    onDone(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      clearTimeout(trimming)
      for (const child of busy.keys()) child.stdin?.end()
      await Promise.all([...idle].map(dismiss))
    },
  }
}

async function dismiss(child: ChildProcess): Promise<void> {
  child.ref()
  child.stdin?.end()
  if (isRunning(child)) await once(child, 'exit')
}

function isClaimed(attemptFolder: string): boolean {
  return existsSync(join(attemptFolder, ATTEMPT_FILES.claim))
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

/** What a supervisor has of memory it pays for with each command that it starts. */
const SMALL = ['--max-semi-space-size=1']

function spawnSupervisor(folder: string): ChildProcess {
  const stderr = openSync(join(folder, 'supervisors.log'), 'a', 0o600)
  const child = spawn(process.execPath, [...SMALL, '--disable-warning=ExperimentalWarning', PROGRAM], {
    stdio: ['pipe', 'pipe', stderr],
    cwd: '/',
    // Nothing else is inherited: what the server has in its environment is no business of a step's neighbour.
    env: { ...compileCache(folder), PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    detached: true,
  })
  closeSync(stderr)
  child.on('error', () => child.emit('exit'))
  // EPIPE: it is dead, and `exit` says so too.
  child.stdin?.on('error', () => child.stdin?.destroy())
  child.unref()
  for (const pipe of [child.stdin, child.stdout]) if (pipe instanceof Socket) pipe.unref()
  return child
}

function tell(child: ChildProcess, line: string): void {
  child.stdin?.write(`${line}\n`)
}
