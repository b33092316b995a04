import { spawnSync } from 'node:child_process'
import { closeSync, constants, fchownSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * One pipe for stdout and stderr, so that what the command wrote stays in order. Node's own `pipe` is two
 * sockets: the order is lost between them, and `echo oops > /dev/stderr` fails, because a socket cannot be
 * opened by name.
 */
export interface OutputPipe {
  /** For the child's `stdio`; openable as /dev/stdout by its owner alone. */
  readonly writeEnd: number
  giveTo(owner: { readonly uid: number; readonly gid: number }): void
  /** Call after the child has its copy: from then on `end` comes when the last process has let go of it. */
  read(onData: (chunk: Buffer) => void): { readonly ended: Promise<void>; destroy(): void }
  /** Lets go of what is still open. Answers whether nobody else held on to it. */
  close(): boolean
}

/**
 * Pipes without a name, made some at a time: only a program of its own can make one (`mkfifo`), and starting
 * it costs as much as a short command. Each is used for one attempt, never again: who opened it once could
 * read what the next one writes.
 */
export function createPipes(): { take(): OutputPipe; fill(): void } {
  const made: OutputPipe[] = []

  function fill(): void {
    if (made.length === 0) made.push(...makePipes(AT_A_TIME))
  }

  /** What is in the way may be gone when a pipe is needed; if it is not, `take` says so to the attempt that needs one. */
  function fillAhead(): void {
    try {
      fill()
    } catch {
      // As above.
    }
  }

  fillAhead()
  return {
    fill: fillAhead,
    take() {
      fill()
      return made.pop() as OutputPipe
    },
  }
}

/** Two open files each; a user who is not root may have a thousand pipes of full size. */
const AT_A_TIME = 16

/** They are gone again in a millisecond, and nothing of that need touch a disk. */
const SHARED_MEMORY = '/dev/shm'

function makePipes(count: number): OutputPipe[] {
  try {
    return makePipesIn(SHARED_MEMORY, count)
  } catch {
    // There is none, it is full, or not for us.
    return makePipesIn(tmpdir(), count)
  }
}

function makePipesIn(place: string, count: number): OutputPipe[] {
  const folder = mkdtempSync(join(place, 'tidegate-'))
  try {
    const names = Array.from({ length: count }, (_, at) => join(folder, String(at)))
    makeNamed(names)
    return openAll(names)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function makeNamed(names: readonly string[]): void {
  const done = spawnSync('mkfifo', ['-m', '600', ...names], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
  if (done.status === 0) return
  const why = done.error?.message ?? done.stderr.trim()
  const error = new Error(`no pipe could be made: ${why}`, { cause: done.error })
  throw why.includes('No space left on device') ? Object.assign(error, { code: 'ENOSPC' }) : error
}

function openAll(names: readonly string[]): OutputPipe[] {
  const pipes: OutputPipe[] = []
  try {
    for (const name of names) pipes.push(openPipe(name))
    return pipes
  } catch (error) {
    for (const pipe of pipes) pipe.close()
    throw error
  }
}

function openPipe(name: string): OutputPipe {
  const readEnd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK)
  const writeEnd = openSync(name, constants.O_WRONLY)
  let state: 'unused' | 'read' | 'ended' | 'closed' = 'unused'

  return {
    writeEnd,
    giveTo: ({ uid, gid }) => fchownSync(writeEnd, uid, gid),
    read(onData) {
      state = 'read'
      closeSync(writeEnd)
      const socket = new Socket({ fd: readEnd, readable: true, writable: false })
      const { promise: ended, resolve } = Promise.withResolvers<void>()
      socket.on('data', onData).on('close', () => resolve())
      socket.on('end', () => (state = 'ended'))
      // An error on a pipe of ours ends it; what was read before stays good.
      socket.on('error', () => socket.destroy())
      return { ended, destroy: () => void socket.destroy() }
    },
    close() {
      const isFree = state !== 'read'
      if (state === 'unused') for (const end of [readEnd, writeEnd]) closeSync(end)
      state = 'closed'
      return isFree
    },
  }
}
