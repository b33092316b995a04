import { statSync, readdirSync } from 'node:fs'
import { readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../lib/error-code.ts'
import type { Installer } from './find-installer.ts'

/** Written last: a folder without it is the rest of an installation that died. */
const MARKER = 'tidegate-environment.json'

interface Marker {
  readonly installer: Installer['kind']
  /** Folder → when something was last added to it or taken from it; the environment never changes, so neither does this. */
  readonly folders: Readonly<Record<string, number>>
}

type Looked =
  | { readonly whole: Installer['kind']; readonly damage?: undefined }
  /** Undefined: there is none, or an unfinished one. */
  | { readonly whole?: undefined; readonly damage: string | undefined }

/**
 * Looks at an environment as it is used: every folder of it (not every file: some have fifty thousand) must be
 * as its installation left it. So a file that was deleted, and packages that a step has put in, are seen. Touches
 * the marker, so that garbage collection sees what nobody uses.
 */
export async function findWhole(folder: string): Promise<Looked> {
  const marker = await readMarker(folder)
  if (marker === undefined) return { damage: undefined }
  const damage = damageOf(folder, marker)
  if (damage !== undefined) return { damage }
  await utimes(join(folder, MARKER), new Date(), new Date())
  return { whole: marker.installer }
}

/** Why a cached environment cannot be used, as a sentence; undefined: it can. */
export async function environmentTrouble(folder: string): Promise<string | undefined> {
  const { whole, damage } = await findWhole(folder)
  return whole === undefined ? (damage ?? `the build environment ${folder} is gone`) : undefined
}

export async function writeMarker(folder: string, installer: Installer['kind']): Promise<void> {
  const folders: Record<string, number> = {}
  for (const path of foldersBelow(folder, '')) folders[path] = statSync(join(folder, path)).mtimeMs
  const marker: Marker = { installer, folders }
  await writeFile(join(folder, `${MARKER}.new`), JSON.stringify(marker), { flush: true })
  await rename(join(folder, `${MARKER}.new`), join(folder, MARKER))
}

export interface KeptEnvironment {
  readonly folder: string
  /** Undefined: an installation that died, or goes on now. */
  readonly usedAt: number | undefined
}

/** Every environment below `<data>/environments`, for those who remove what nobody uses. */
export async function listEnvironments(root: string): Promise<KeptEnvironment[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  })
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== 'locks').map(({ name }) => name)
  return Promise.all(
    folders.toSorted().map(async (name) => {
      const folder = join(root, name)
      return { folder, usedAt: (await stat(join(folder, MARKER)).catch(() => undefined))?.mtimeMs }
    }),
  )
}

async function readMarker(folder: string): Promise<Marker | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, MARKER), 'utf8')) as Marker
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

/** Synchronous: a thousand answers of the system one after the other take less time than as many promises. */
function damageOf(folder: string, { folders }: Marker): string | undefined {
  for (const [path, at] of Object.entries(folders)) {
    const now = statSync(join(folder, path), { throwIfNoEntry: false })?.mtimeMs
    if (now !== at)
      return `the build environment ${folder} is damaged: ${path} ${now === undefined ? 'is gone' : 'was changed'}`
  }
  return undefined
}

/** Not the environment's own folder, which the marker itself is written into, and no links. */
function* foldersBelow(folder: string, below: string): Generator<string> {
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    yield path
    yield* foldersBelow(folder, path)
  }
}
