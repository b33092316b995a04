import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { AppError } from '../../src/core/errors.ts'
import type { Database } from '../../src/db/open-database.ts'
import type { GitServerOptions } from '../../src/source/git-context.ts'
import { createGitServer } from '../../src/source/git-server.ts'

/** A git server on a real port. Tokens are `write-<person>` and `read-<person>`; errors are collected. */
export interface GitPlace extends AsyncDisposable {
  readonly dataFolder: string
  readonly errors: unknown[]
  url(project: string, token: string): string
  readonly address: string
}

export async function openGitPlace(
  database: Database,
  options: { dataFolder: string; progress?: GitServerOptions['progress'] },
): Promise<GitPlace> {
  const errors: unknown[] = []
  const git = await createGitServer({
    database,
    dataFolder: options.dataFolder,
    authorize: authorizeByName,
    refusal: async () => undefined,
    progress: options.progress ?? noProgress,
    onError: (error) => errors.push(error),
  })
  const server = createServer((request, response) => {
    void git.handle(request, response).then((handled) => {
      if (!handled) response.writeHead(404).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    dataFolder: options.dataFolder,
    errors,
    address,
    url: (project, token) => `http://someone:${token}@${address}/${project}.git`,
    async [Symbol.asyncDispose]() {
      await git[Symbol.asyncDispose]()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export async function authorizeByName(token: string, project: string, access: 'read' | 'write'): Promise<string> {
  const [right, person] = token.split('-')
  if (person === undefined) throw new AppError('UNAUTHENTICATED', 'This token is wrong.')
  if (access === 'write' && right !== 'write') {
    throw new AppError('FORBIDDEN', `${person} needs the role developer in project "${project}".`)
  }
  return person
}

async function* noProgress(): AsyncGenerator<string> {}

export interface GitOutcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The git client of this machine, with nobody's configuration. */
export function runClient(
  folder: string,
  args: readonly string[],
  onText: (text: string, pid: number) => void = () => undefined,
): Promise<GitOutcome> {
  const child = spawn('git', args, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      LC_ALL: 'C',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: 'Ana Author',
      GIT_AUTHOR_EMAIL: 'ana@example.org',
      GIT_COMMITTER_NAME: 'Cem Committer',
      GIT_COMMITTER_EMAIL: 'cem@example.org',
    },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
    onText(stderr, child.pid!)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}

/** Like `runClient`, but a failure throws what git said. */
export async function git(folder: string, ...args: string[]): Promise<string> {
  const outcome = await runClient(folder, args)
  if (outcome.code !== 0) throw new Error(`git ${args.join(' ')}: ${outcome.stderr}`)
  return outcome.stdout.trim()
}

export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'tidegate-source-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}

/** By path. */
export type Files = Readonly<Record<string, string | Uint8Array>>

/** A repository with one commit of `files` on `main`. */
export async function makeWork(parent: string, name: string, files: Files): Promise<string> {
  const folder = join(parent, name)
  await mkdir(folder, { recursive: true })
  await git(folder, 'init', '--quiet', '--initial-branch=main')
  await commitFiles(folder, files, 'first')
  return folder
}

export async function commitFiles(folder: string, files: Files, message: string): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  await git(folder, 'add', '--all')
  await git(folder, 'commit', '--quiet', '--message', message)
  return git(folder, 'rev-parse', 'HEAD')
}
