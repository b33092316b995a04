import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { existsSync } from 'node:fs'
import { AppError } from '../core/errors.ts'

/** Settings of one call, above those of the repository: `{ 'receive.fsckObjects': 'true' }`. */
export type GitSettings = Readonly<Record<string, string>>

export interface GitCall {
  readonly settings?: GitSettings
  readonly environment?: Readonly<Record<string, string>>
}

/**
 * Starts git on a repository, never through a shell. What people put into names of refs and files reaches
 * git as single arguments, so callers put `--end-of-options` or `--` before them.
 */
export function spawnGit(
  repository: string,
  args: readonly string[],
  stdio: StdioOptions,
  call: GitCall = {},
): ChildProcess {
  return spawn('git', args, {
    cwd: repository,
    env: { ...gitEnvironment(repository, call.settings), ...call.environment },
    stdio,
  })
}

/**
 * Runs git to its end and answers its output, at most `maxBytes` of it (TOO_LARGE). A non-zero exit is an
 * error of ours: what may be missing is asked for with `--quiet` and `mayFail`, which answer undefined.
 */
export async function runGit(
  repository: string,
  args: readonly string[],
  options: GitCall & { readonly maxBytes?: number } = {},
): Promise<Buffer> {
  const outcome = await collect(repository, args, options)
  if (outcome.code === 0) return outcome.output
  throw new AppError('INTERNAL', `git ${args[0]} failed in ${repository}: ${outcome.message}`, { code: outcome.code })
}

/** As `runGit`, but undefined where git says no. */
export async function tryGit(
  repository: string,
  args: readonly string[],
  options: GitCall & { readonly maxBytes?: number } = {},
): Promise<Buffer | undefined> {
  const outcome = await collect(repository, args, options)
  return outcome.code === 0 ? outcome.output : undefined
}

async function collect(
  repository: string,
  args: readonly string[],
  options: GitCall & { readonly maxBytes?: number },
): Promise<{ code: number | null; output: Buffer; message: string }> {
  const maxBytes = options.maxBytes ?? 64 << 20
  const child = spawnGit(repository, args, ['ignore', 'pipe', 'pipe'], options)
  const ended = endOf(child, repository)
  const errors = keepTail(child.stderr!)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of child.stdout! as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) break
    chunks.push(chunk)
  }
  if (size > maxBytes) child.kill('SIGKILL')
  const code = await ended
  if (size > maxBytes) throw new AppError('TOO_LARGE', `git ${args[0]} answered more than ${maxBytes} bytes.`)
  return { code, output: Buffer.concat(chunks), message: errors() }
}

/** The exit code, null after a signal. Fails with UPSTREAM when git cannot be started at all. */
export function endOf(child: ChildProcess, repository: string): Promise<number | null> {
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', (cause) => reject(notStarted(repository, cause)))
  })
  // Whoever awaits it later sees the error; until then it must not count as unhandled.
  ended.catch(() => undefined)
  return ended
}

/** Of a folder that is not there the system says the same as of a program that is not. */
function notStarted(repository: string, cause: Error): AppError {
  const message = existsSync(repository)
    ? `git cannot be started: ${cause.message}. Install git.`
    : `The repository ${repository} is not there. Start the server on the data folder that belongs to its database, or restore a backup.`
  return new AppError('UPSTREAM', message, {}, { cause })
}

/** The last 2,000 characters of a stream, without holding the rest. */
export function keepTail(stream: NodeJS.ReadableStream): () => string {
  let tail = ''
  stream.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString('utf8')).slice(-2_000)
  })
  return () => tail.trim()
}

/**
 * Nothing of the server's environment but PATH: no person's configuration, no system configuration, no
 * prompts, no translation. Settings go through the environment because git's children need them too.
 */
function gitEnvironment(repository: string, settings: GitSettings = {}): Record<string, string> {
  const all = { 'safe.directory': repository, 'core.hooksPath': '/dev/null', ...settings }
  const environment: Record<string, string> = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_DEFAULT_REF_FORMAT: 'files',
    GIT_CONFIG_COUNT: String(Object.keys(all).length),
  }
  for (const [index, [key, value]] of Object.entries(all).entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key
    environment[`GIT_CONFIG_VALUE_${index}`] = value
  }
  return environment
}
