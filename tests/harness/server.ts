import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addPerson } from '../../src/api/access.ts'
import { addProject } from '../../src/api/projects.ts'
import { getLog, getRun, listRuns, type Run, type RunDetail } from '../../src/api/runs.ts'
import { startServer, type Server } from '../../src/app.ts'
import type { ServerConfig } from '../../src/cli/local/server-config.ts'
import { createClient, type Client } from '../../src/client/client.ts'
import type { Role } from '../../src/core/roles.ts'
import { commitFiles, makeWork, runClient, temporaryFolder, type Files, type GitOutcome } from '../source/git-place.ts'
import { createTestDatabase, type DatabaseKind } from './databases.ts'

/** A person of a test server: what they type is a token. */
export interface TestPerson {
  readonly name: string
  readonly token: string
  readonly client: Client
}

/** What people do at a server. */
export interface People {
  readonly admin: TestPerson
  /** The same name again is the same person. */
  person(name: string, role?: Role): Promise<TestPerson>
  /** A project, and a repository with one commit of `files` beside it. */
  project(name: string, files: Files): Promise<TestProject>
}

/** A whole server on a database of its own, with everything it needs; all of it gone afterwards. */
export interface TestServer extends People, AsyncDisposable {
  readonly server: Server
  readonly dataFolder: string
  readonly databaseUrl: string
  /** A folder for what a test needs beside the server. */
  readonly folder: string
}

export interface TestProject {
  readonly name: string
  readonly work: string
  /** Where this person pushes to. */
  url(person: TestPerson): string
  commit(files: Files, message?: string): Promise<string>
  /** Pushes `main`, or what `args` say, and returns when git does: when the run has ended. */
  push(person: TestPerson, ...args: string[]): Promise<GitOutcome>
  runs(): Promise<Run[]>
  run(number: number): Promise<RunDetail>
  /** The whole log of a step's last attempt. */
  log(number: number, step: string): Promise<string>
  /** Returns when the run has ended: reruns and started runs have nobody who waits for them. */
  ended(number: number): Promise<RunDetail>
}

/** On free ports, with all else as it is without a `server.yaml`. */
export const ON_LOOPBACK = {
  host: '127.0.0.1',
  port: 0,
  gatewayPort: 0,
  publicUrl: undefined,
  firstUser: 200_000,
  cpus: undefined,
} as const

/** `data-folder`: SQLite where `tidegate up` has it when nobody says otherwise. */
export async function openTestServer(
  kind: DatabaseKind | 'data-folder',
  config: Pick<ServerConfig, 'datasets'> = {},
): Promise<TestServer> {
  await using opening = new AsyncDisposableStack()
  const folder = opening.use(await temporaryFolder())
  const dataFolder = join(folder.path, 'data')
  const databaseUrl =
    kind === 'data-folder' ? `sqlite:${join(dataFolder, 'state.db')}` : opening.use(await createTestDatabase(kind)).url
  const server = await startServer({
    dataFolder,
    databaseUrl,
    ...ON_LOOPBACK,
    ...config,
  })
  opening.defer(() => server.stopGateway())
  opening.use(server)
  const token = (await readFile(join(dataFolder, 'admin-token'), 'utf8')).trim()
  const owned = opening.move()
  return {
    server,
    dataFolder,
    databaseUrl,
    folder: folder.path,
    ...peopleOf(server.address, folder.path, token),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** What people do at the server that answers at `address`. Repositories are made below `folder`. */
export function peopleOf(address: string, folder: string, adminToken: string): People {
  const known = new Map<string, Promise<TestPerson>>()
  const asPerson = (name: string, token: string) => ({ name, token, client: createClient({ url: address, token }) })
  const admin: TestPerson = asPerson('admin', adminToken)
  return {
    admin,
    person(name: string, role: Role = 'developer'): Promise<TestPerson> {
      const added = known.get(name) ?? add(name, role)
      known.set(name, added)
      return added
    },
    async project(name: string, files: Files): Promise<TestProject> {
      await admin.client.call(addProject, { body: { name } })
      return projectAt({ address, admin, name, work: await makeWork(folder, name, files) })
    },
  }

  async function add(name: string, role: Role): Promise<TestPerson> {
    const { token } = await admin.client.call(addPerson, { body: { name, role } })
    return asPerson(name, token)
  }
}

/** A project that is there already, and its repository at `work`. */
export function projectAt(place: {
  address: string
  admin: TestPerson
  name: string
  work: string
  /** Where it is not its own. */
  repository?: string
}): TestProject {
  const { address, admin, name, work, repository = name } = place
  const detail = (number: number) => admin.client.call(getRun, { params: { project: name, number } })
  return {
    name,
    work,
    url(person) {
      const url = new URL(`/${repository}.git`, address)
      url.username = person.name
      url.password = person.token
      return url.href
    },
    commit: (files, message = 'a change') => commitFiles(work, files, message),
    push(person, ...args) {
      return runClient(work, ['push', ...args.filter(isOption), this.url(person), ...refsOf(args)])
    },
    runs: async () => (await admin.client.call(listRuns, { params: { project: name }, query: {} })).runs,
    run: detail,
    async log(number, step) {
      const pages: Buffer[] = []
      for (let offset = 0; ; offset += pages.at(-1)?.length ?? 0) {
        const answer = await admin.client.fetch(getLog, { params: { project: name, number, step }, query: { offset } })
        const page = Buffer.from(await answer.arrayBuffer())
        if (page.length === 0) return Buffer.concat(pages).toString()
        pages.push(page)
      }
    },
    async ended(number) {
      for (;;) {
        const run = await detail(number)
        if (run.endedAt !== null) return run
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
  }
}

function isOption(argument: string): boolean {
  return argument.startsWith('-')
}

function refsOf(args: readonly string[]): string[] {
  const refs = args.filter((argument) => !isOption(argument))
  return refs.length === 0 ? ['main'] : refs
}
