import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { readProcess } from '../lib/processes.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import { isWalled, withMounts, type Mount } from './mount-folders.ts'
import type { OutputPipe } from './output-pipe.ts'
import type { ProcessIdentity } from '../core/attempt-files.ts'

export interface CommandExit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program of an attempt, and all that it will start in its session. */
export interface Session {
  readonly identity: ProcessIdentity
  readonly exited: Promise<CommandExit>
}

export interface SessionPlace {
  readonly order: AttemptOrder
  readonly pipe: OutputPipe
  /** What stands in its workspace for reading. */
  readonly mounts?: readonly Mount[]
}

/** Starts it in the workspace, as the attempt's user, writing into this pipe. Throws where it cannot be started. */
export async function spawnSession(
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  { order, pipe, mounts = [] }: SessionPlace,
): Promise<Session> {
  const started = withMounts(order, mounts, argv, env)
  const [program, ...rest] = started.argv
  if (order.runAs) pipe.giveTo(order.runAs)
  const child = spawn(program, rest, {
    stdio: ['ignore', pipe.writeEnd, pipe.writeEnd],
    cwd: order.workspace,
    env: { ...started.env },
    detached: true,
    ...started.as,
  })
  await once(child, 'spawn')
  const exited = once(child, 'exit').then(([exitCode, signal]) => {
    const exit = { exitCode, signal } as CommandExit
    return isWalled(order, mounts) ? behindWalls(exit) : exit
  })
  return { identity: identify(child), exited }
}

/**
 * Bubblewrap says of a command that died of signal n that it ended with 128 + n. Without walls the same command is one that a
 * signal ended, and it is judged as that. Of a command that says `exit 137` itself bubblewrap tells no difference.
 */
function behindWalls(exit: CommandExit): CommandExit {
  const signal = DEADLY.get((exit.exitCode ?? 0) - 128)
  return signal === undefined ? exit : { exitCode: null, signal }
}

/** Those that end a program which does nothing about them. */
const DEADLY = new Map(
  (
    [
      'SIGHUP',
      'SIGINT',
      'SIGQUIT',
      'SIGILL',
      'SIGTRAP',
      'SIGABRT',
      'SIGBUS',
      'SIGFPE',
      'SIGKILL',
      'SIGUSR1',
      'SIGSEGV',
      'SIGUSR2',
      'SIGPIPE',
      'SIGALRM',
      'SIGTERM',
      'SIGXCPU',
      'SIGXFSZ',
      'SIGSYS',
    ] as const
  ).map((name) => [constants.signals[name], name]),
)

/** Of a child that ended already nothing can be read, but its pid is taken until we have heard of its exit. */
function identify(child: ChildProcess): ProcessIdentity {
  const pid = child.pid ?? 0
  return { pid, startTicks: readProcess(pid)?.startTicks ?? readProcess(process.pid)?.startTicks ?? '0' }
}
