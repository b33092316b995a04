import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BundleManifest } from '../core/bundle.ts'
import type { Digest } from '../core/digest.ts'
import type { Route } from '../core/route-table.ts'
import { sha256 } from '../lib/sha256.ts'

/** An endpoint of its own for a step or a session: one bundle, one token, gone afterwards. */
export interface PrivateEndpoint {
  /** Unique, of letters, digits and dashes; becomes the environment's name in the URL. */
  readonly id: string
  readonly project: string
  readonly model: string
  readonly bundle: Digest
  readonly manifest: BundleManifest
  /** That made the bundle. */
  readonly runId: string
  readonly token: string
  /** Of a host of its own; absent: `LIMITS.hostMemoryBytes`. */
  readonly memoryBytes?: number
  /** A host that runs already; absent: one of its own. */
  readonly host?: string
}

/**
 * Endpoints that stand in no row, kept as files so that a server that was killed finds them again and can
 * close them. The folder is private: the files hold the tokens.
 */
export class PrivateEndpoints {
  readonly #folder: string

  constructor(dataFolder: string) {
    this.#folder = join(dataFolder, 'gateway', 'private')
  }

  /** The same id again answers what it answered the first time. */
  async open(wanted: Omit<PrivateEndpoint, 'token'>): Promise<PrivateEndpoint> {
    const known = (await this.list()).find(({ id }) => id === wanted.id)
    if (known !== undefined) return known
    const endpoint = { ...wanted, token: `tge_${randomBytes(24).toString('base64url')}` }
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const file = this.#file(wanted.id)
    await writeFile(`${file}.tmp`, JSON.stringify(endpoint), { mode: 0o600 })
    await rename(`${file}.tmp`, file)
    return endpoint
  }

  async close(id: string): Promise<boolean> {
    const known = (await this.list()).some((endpoint) => endpoint.id === id)
    await rm(this.#file(id), { force: true })
    return known
  }

  async list(): Promise<PrivateEndpoint[]> {
    const names = await readdir(this.#folder).catch(() => [])
    const files = names.filter((name) => name.endsWith('.json')).sort()
    return Promise.all(
      files.map(async (name) => JSON.parse(await readFile(join(this.#folder, name), 'utf8')) as PrivateEndpoint),
    )
  }

  #file(id: string): string {
    return join(this.#folder, `${id}.json`)
  }
}

export function hostIdOf(endpoint: PrivateEndpoint): string {
  return endpoint.host ?? `private/${endpoint.id}`
}

/** Nothing of a private endpoint is logged as production's. */
export function privateRoute(endpoint: PrivateEndpoint): Route {
  return {
    project: endpoint.project,
    environment: endpoint.id,
    model: endpoint.model,
    tokenSha256: sha256(endpoint.token).replace('sha256:', ''),
    arms: [{ arm: 'champion', host: hostIdOf(endpoint), version: 'candidate', weight: 1 }],
    epoch: endpoint.id,
    routeBy: 'request',
    salt: endpoint.id,
  }
}
