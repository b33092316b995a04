import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { addPerson, createToken } from '../../../api/access.ts'
import { createClient, type Client } from '../../../client/client.ts'
import { AppError } from '../../../core/errors.ts'
import type { Role } from '../../../core/roles.ts'
import { packageFile } from '../../../lib/own-files.ts'
import { say } from './terminal.ts'

const COMMAND = packageFile('bin/tidegate.js')

/** The people of the story. Each acts with a token of their own. */
export const PEOPLE = { dana: 'developer', ana: 'tester', bo: 'tester', lead: 'approver' } as const satisfies Record<
  string,
  Role
>
export type PersonName = keyof typeof PEOPLE

/** A server that runs, the people, and Dana's working copy of the example. */
export interface DemoPlace {
  readonly server: string
  readonly project: string
  readonly repository: string
  /** Of `examples/digits-demo`, where Node runs its TypeScript (it refuses to under `node_modules`). */
  readonly demoFolder: string
  token(person: PersonName): string
  client(person: PersonName): Client
}

/** Starts `tidegate up` as anybody would. What it prints is not the story; its log is in the data folder. */
export async function startServerProcess(
  dataFolder: string,
): Promise<{ address: string; stop(): Promise<void>; leave(): void }> {
  await mkdir(dataFolder, { recursive: true })
  const args = [COMMAND, 'up', '--data', dataFolder, '--port', '0', '--gateway-port', '0']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const address = await Promise.race([firstAddress(child.stdout), ended])
  if (address === undefined)
    throw new AppError('UPSTREAM', `The server did not start; ${join(dataFolder, 'server.log')} says why.`)
  return {
    address,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
    leave() {
      child.stdout.destroy()
      child.unref()
    },
  }
}

async function firstAddress(output: NodeJS.ReadableStream): Promise<string | undefined> {
  for await (const line of createInterface({ input: output })) {
    const found = /^Tidegate is up: (\S+)/.exec(line)
    if (found !== null) {
      output.resume()
      return found[1]
    }
  }
  return undefined
}

/** People and a fresh copy of the example; on a data folder that has them, people get new tokens. */
export async function prepareDemo(
  server: string,
  dataFolder: string,
  project: string,
): Promise<DemoPlace & AsyncDisposable> {
  const admin = createClient({ url: server, token: (await readFile(join(dataFolder, 'admin-token'), 'utf8')).trim() })
  const tokens = new Map<PersonName, string>()
  for (const [name, role] of Object.entries(PEOPLE) as [PersonName, Role][])
    tokens.set(name, await tokenFor(admin, name, role))
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-demo-'))
  const repository = join(folder, 'digits')
  const demoFolder = join(folder, 'digits-demo')
  await cp(packageFile('examples/digits'), repository, {
    recursive: true,
    filter: (path) => !/__pycache__|\.pytest_cache|\.venv/.test(path),
  })
  await cp(packageFile('examples/digits-demo'), demoFolder, { recursive: true })
  await writeFile(join(demoFolder, 'package.json'), '{ "type": "module" }\n')
  const token = (person: PersonName) => tokens.get(person) ?? ''
  return {
    server,
    project,
    repository,
    demoFolder,
    token,
    client: (person) => createClient({ url: server, token: token(person) }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

async function tokenFor(admin: Client, name: string, role: Role): Promise<string> {
  try {
    const email = `${name}@example.test`
    return (await admin.call(addPerson, { body: { name, role, email } })).token
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'ALREADY_EXISTS') throw error
    return (await admin.call(createToken, { body: { person: name, label: 'demo' } })).token
  }
}

/** Runs a `tidegate` command as a person, and shows both the command and what it printed. */
export async function tidegate(
  place: DemoPlace,
  person: PersonName,
  args: readonly string[],
  show = true,
): Promise<string> {
  if (show) say.command(person, ['tidegate', ...args])
  const output = await run(process.execPath, [COMMAND, ...args], {
    TIDEGATE_SERVER: place.server,
    TIDEGATE_TOKEN: place.token(person),
  })
  return output
}

/** Runs git in Dana's working copy. */
export async function git(place: DemoPlace, args: readonly string[]): Promise<string> {
  const identity = {
    GIT_AUTHOR_NAME: 'Dana',
    GIT_AUTHOR_EMAIL: 'dana@example.test',
    GIT_COMMITTER_NAME: 'Dana',
    GIT_COMMITTER_EMAIL: 'dana@example.test',
  }
  return run('git', args, { ...identity, GIT_CONFIG_NOSYSTEM: '1' }, place.repository)
}

/** A real push; the lines of the server appear as they come, as in any terminal. */
export async function push(place: DemoPlace): Promise<void> {
  say.command('dana', ['git', 'push', 'tidegate', 'main'])
  const url = new URL(`${place.server}/${place.project}.git`)
  url.username = 'dana'
  url.password = place.token('dana')
  const child = spawn('git', ['push', url.href, 'HEAD:main'], {
    cwd: place.repository,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' },
  })
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.startsWith('remote: ')) say.line(line.slice('remote: '.length).trimEnd())
  }
}

async function run(file: string, args: readonly string[], env: Record<string, string>, cwd?: string): Promise<string> {
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code === 0) return output.trim()
  throw new AppError('UPSTREAM', `${[file, ...args].join(' ')} ended with ${code}: ${errors.trim() || output.trim()}`)
}
