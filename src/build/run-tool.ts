import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { AppError } from '../core/errors.ts'
import type { User } from './build-user.ts'

export interface ToolCall {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  /** Complete: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  /** As whom; absent: as ourselves. */
  readonly user?: User
  readonly signal: AbortSignal
  readonly input?: string
  /** Gets what the tool prints to stderr, line by line, as it comes. */
  readonly log?: (line: string) => void
  /** The same of stdout, for tools that tell their progress there. */
  readonly logOutput?: (line: string) => void
}

export interface ToolAnswer {
  readonly ok: boolean
  readonly stdout: string
  readonly stderr: string
}

/** Enough for the resolution report of the largest environments seen (600 packages: 20 MB). */
const MOST_OUTPUT_BYTES = 128 << 20

/**
 * Runs a program to its end. That it fails is an answer, for the caller to read; that it cannot be started,
 * or was stopped by `signal`, is an error.
 */
export async function runTool(call: ToolCall): Promise<ToolAnswer> {
  call.signal.throwIfAborted()
  const { program, cwd, env, input, user } = call
  const child = spawn(program, call.args, {
    cwd,
    env,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...user,
  })
  feed(child, input)
  const stop = () => child.kill()
  call.signal.addEventListener('abort', stop)
  try {
    const [[exitCode, signal], stdout, stderr] = await Promise.all([
      endOf(child, program),
      collect(child, child.stdout!, call.logOutput),
      collect(child, child.stderr!, call.log),
    ])
    call.signal.throwIfAborted()
    if (exitCode === null) throw unfinished(program, `was killed by ${signal}`)
    return { ok: exitCode === 0, stdout, stderr }
  } finally {
    call.signal.removeEventListener('abort', stop)
  }
}

async function endOf(child: ChildProcess, program: string): Promise<[number | null, NodeJS.Signals | null]> {
  try {
    return (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  } catch (error) {
    throw unfinished(program, (error as Error).message, error)
  }
}

function unfinished(program: string, why: string, cause?: unknown): AppError {
  return new AppError('UPSTREAM', `${program} did not run to its end: ${why}`, {}, { cause })
}

async function collect(child: ChildProcess, stream: Readable, log?: (line: string) => void): Promise<string> {
  if (log !== undefined) createInterface({ input: stream }).on('line', log)
  const chunks: Buffer[] = []
  let sizeBytes = 0
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    sizeBytes += chunk.length
    if (sizeBytes > MOST_OUTPUT_BYTES) child.kill('SIGKILL')
  })
  await once(stream, 'close')
  return Buffer.concat(chunks).toString('utf8')
}

/** A program that ends without reading its input says by its exit how that went. */
function feed({ stdin }: ChildProcess, input: string | undefined): void {
  stdin?.on('error', () => undefined)
  stdin?.end(input)
}
