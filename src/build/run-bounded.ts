import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../core/errors.ts'
import { limit } from '../core/limits.ts'
import { killUntilNone } from '../lib/end-processes.ts'
import { listProcesses, userOf } from '../lib/processes.ts'
import type { User } from './build-user.ts'

export interface BoundedCall {
  /** Whose limits the program gets: an interpreter that reads no package before them. */
  readonly python: string
  readonly argv: readonly [string, ...string[]]
  readonly cwd: string
  /** Complete: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  /** As whom; undefined: as ourselves. */
  readonly user: User | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface BoundedAnswer {
  readonly ok: boolean
  readonly stdout: string
  readonly stderr: string
  /** Why it did not run to its end. */
  readonly ended?: string
}

const PATIENCE_MS = 10_000

/**
 * Runs a program that nobody has reason to trust to its end, or to the end of its time, memory or output. When this
 * returns, all that runs as its user has ended; where it has none of its own, all of its session, and whoever
 * left that ends with the attempt.
 */
export async function runBounded(call: BoundedCall): Promise<BoundedAnswer> {
  call.signal.throwIfAborted()
  const child = start(call)
  const why = new AbortController()
  const giveUp = (reason: string): void => {
    why.abort(reason)
    child.kill('SIGKILL')
  }
  const timer = setTimeout(giveUp, call.timeoutMs, `was not done after ${call.timeoutMs / 1_000} s`)
  const cancel = (): void => giveUp('was cancelled')
  call.signal.addEventListener('abort', cancel)
  const printed = collect(child, giveUp)
  try {
    const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    call.signal.throwIfAborted()
    const ended = why.signal.aborted
      ? String(why.signal.reason)
      : signal === null
        ? undefined
        : `was ended by ${signal}`
    return { ok: exitCode === 0, ...(await printed()), ...(ended === undefined ? {} : { ended }) }
  } finally {
    clearTimeout(timer)
    call.signal.removeEventListener('abort', cancel)
    await endAll(child, call.user)
  }
}

function start({ python, argv, cwd, env, user }: BoundedCall): ChildProcess {
  const limits = [
    limit('metadataMemoryBytes'),
    limit('metadataOutputBytes'),
    user === undefined ? 0 : limit('metadataProcesses'),
  ]
  return spawn(python, ['-I', '-S', '-c', LIMIT, ...limits.map(String), ...argv], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...user,
  })
}

/**
 * Of a user who runs other things too, the number of processes is not ours to limit. A program of the machine is not
 * looked for among those that a package has put in front of PATH.
 */
const LIMIT = `
import os, resource, shutil, sys
memory, size, processes = map(int, sys.argv[1:4])
for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, size), (resource.RLIMIT_CORE, 0)):
    resource.setrlimit(kind, (most, most))
if processes:
    resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
program = shutil.which(sys.argv[4], path="/usr/local/bin:/usr/bin:/bin") or shutil.which(sys.argv[4])
os.execv(program or sys.argv[4], sys.argv[4:])
`

/** What it printed until it ended: somebody whom it left behind may hold the pipe for ever. */
function collect(child: ChildProcess, giveUp: (reason: string) => void) {
  const most = limit('metadataOutputBytes')
  const chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] }
  const closed = once(child, 'close').catch(() => undefined)
  let sizeBytes = 0
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      if (sizeBytes > most) giveUp(`printed more than ${most >> 20} MiB`)
      else chunks[name].push(chunk)
    })
  }
  return async () => {
    await Promise.race([closed, sleep(DRAIN_MS, undefined, { ref: false })])
    return { stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() }
  }
}

const DRAIN_MS = 1_000

async function endAll({ pid, stdout, stderr }: ChildProcess, user: User | undefined): Promise<void> {
  const isIts = (row: ReturnType<typeof listProcesses>[number]): boolean =>
    user === undefined ? row.session === pid : userOf(row.pid) === user.uid
  const left = await killUntilNone(
    () =>
      listProcesses()
        .filter(isIts)
        .map((row) => row.pid),
    PATIENCE_MS,
  )
  stdout?.destroy()
  stderr?.destroy()
  if (left.length > 0)
    throw new AppError(
      'UPSTREAM',
      `Processes that a build of the commit left behind cannot be ended: ${left.join(', ')}.`,
    )
}
