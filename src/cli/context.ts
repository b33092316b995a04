import { homedir } from 'node:os'
import { join } from 'node:path'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { Client } from '../client/client.ts'
import { AppError } from '../core/errors.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  readonly server?: string
  readonly json?: boolean
}

export interface Credentials {
  readonly server: string
  readonly token: string
}

const DEFAULT_SERVER = 'http://127.0.0.1:7070'

/** `TIDEGATE_CONFIG` names another folder, for tests and for several servers side by side. */
function credentialsFile(): string {
  const folder =
    process.env['TIDEGATE_CONFIG'] ?? join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'tidegate')
  return join(folder, 'credentials.json')
}

export async function saveCredentials(credentials: Credentials): Promise<string> {
  const file = credentialsFile()
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 })
  await writeFile(file, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 })
  return file
}

async function readCredentials(): Promise<Credentials | undefined> {
  const text = await readFile(credentialsFile(), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as Credentials)
}

/** Where one is logged in, and as whom; no token: nowhere. */
export async function findLogin(options: GlobalOptions): Promise<{ readonly server: string; readonly token?: string }> {
  const saved = await readCredentials()
  const server = address(options.server ?? process.env['TIDEGATE_SERVER'] ?? saved?.server ?? DEFAULT_SERVER)
  const token = process.env['TIDEGATE_TOKEN'] ?? (saved?.server === server ? saved.token : undefined)
  return token === undefined ? { server } : { server, token }
}

function address(server: string): string {
  if (/^https?:\/\//.test(server) && URL.canParse(server)) return server
  throw new AppError(
    'INVALID_INPUT',
    `"${server}" is no address of a server: write it as ${DEFAULT_SERVER}, after --server or in TIDEGATE_SERVER.`,
  )
}

/** The server one is logged in to; TIDEGATE_SERVER and TIDEGATE_TOKEN, then `--server`, come before the file. */
export async function openClient(options: GlobalOptions): Promise<Client> {
  const { server, token } = await findLogin(options)
  if (token === undefined) {
    throw new AppError(
      'UNAUTHENTICATED',
      `Not logged in to ${server}. Run \`tidegate login --server ${server} --token …\`, or set TIDEGATE_TOKEN.`,
    )
  }
  const { createClient } = await import('../client/client.ts')
  return createClient({ url: server, token })
}
