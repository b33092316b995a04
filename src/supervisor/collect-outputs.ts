import type { Stats } from 'node:fs'
import { glob, lstat, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { putFile, putFolder, walk } from '../artifacts/put.ts'
import { linkStaysInside } from '../artifacts/tree-paths.ts'
import { reach } from '../core/points.ts'
import { hasCode } from '../lib/error-code.ts'
import type { ArtifactRef } from '../core/tree.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import type { Store } from '../core/ports/store.ts'

export interface Collected {
  readonly found: Record<string, ArtifactRef>
  readonly missing: readonly Missing[]
}

/** `why`: something is there, and cannot be stored. */
export interface Missing {
  readonly path: string
  readonly why: string | undefined
}

/**
 * Stores what is at these paths of the workspace. A path may be a glob; what it matches is kept by its own
 * path. Runs when no process of the attempt lives any more, so what we look at stays as it is; it was made
 * by a stranger though, so nothing is read that does not really lie in the workspace.
 */
export async function collectOutputs(
  order: AttemptOrder,
  paths: readonly string[],
  store: Store,
  signal: AbortSignal,
): Promise<Collected> {
  const found: Record<string, ArtifactRef> = {}
  const missing: Missing[] = []
  for (const path of paths) {
    const places = await expand(order.workspace, path)
    if (places.length === 0) missing.push({ path, why: undefined })
    for (const place of places) {
      signal.throwIfAborted()
      const ref = await storeAt(order.workspace, place, store)
      if (ref) found[place] = ref
      else missing.push({ path: place, why: await whyNotStored(order.workspace, place) })
      await reach('output stored', order.attemptId)
    }
  }
  return { found, missing }
}

/** `It ended well but did not write a, b; c is a pipe.` */
export function missingInWords(missing: readonly Missing[]): string {
  const unwritten = missing.filter(({ why }) => why === undefined).map(({ path }) => path)
  const unfit = missing.filter(({ why }) => why !== undefined).map(({ path, why }) => `${path} ${why}`)
  const written = unwritten.length === 0 ? [] : [`did not write ${unwritten.join(', ')}`]
  return `It ended well but ${[...written, ...unfit].join('; ')}.`
}

/** For the person whose output is missing: what the command did write, a few paths of it. */
export async function listWritten(order: AttemptOrder): Promise<string> {
  const inputs = new Set(order.inputs.map((file) => file.path))
  const paths = (await walk(order.workspace)).map(({ path }) => path)
  const written = paths.filter((path) => !inputs.has(path) && !path.includes('__pycache__'))
  if (written.length === 0) return 'It wrote no file at all into its workspace.'
  const shown = written.sort().slice(0, 10).join(', ')
  return `It wrote ${shown}${written.length > 10 ? ` and ${written.length - 10} more` : ''}.`
}

async function expand(workspace: string, path: string): Promise<string[]> {
  if (!/[*?[{]/.test(path)) return [path]
  const matches: string[] = []
  for await (const match of glob(path, { cwd: workspace })) {
    // What lies behind a link of the step's is not even named.
    if (await placeInside(workspace, match)) matches.push(match)
  }
  return matches.sort()
}

async function storeAt(workspace: string, path: string, store: Store): Promise<ArtifactRef | undefined> {
  const place = await placeInside(workspace, path)
  if (place === undefined) return undefined
  const stats = await lstat(place)
  if (stats.isDirectory()) return putFolder(store, place)
  if (!stats.isFile()) return undefined
  const ref = await putFile(store, place)
  return (stats.mode & 0o100) === 0 ? ref : { ...ref, executable: true }
}

/** Where it really is, if that is in the workspace. */
async function placeInside(workspace: string, path: string): Promise<string | undefined> {
  const place = await realpathOrNothing(join(workspace, path))
  const inside = (await realpath(workspace)) + sep
  return place !== undefined && (place + sep).startsWith(inside) ? place : undefined
}

async function whyNotStored(workspace: string, path: string): Promise<string | undefined> {
  const place = await placeInside(workspace, path)
  if (place !== undefined) return specialFile(await lstat(place))
  const names = path.split('/')
  for (let length = 1; length <= names.length; length++) {
    const link = names.slice(0, length).join('/')
    if ((await placeInside(workspace, link)) === undefined) return whyLeadsAway(workspace, link)
  }
  return undefined
}

function specialFile(stats: Stats): string {
  if (stats.isFIFO()) return 'is a pipe'
  return stats.isSocket() ? 'is a socket' : 'is a device'
}

/** Told from what the link says: whether there is anything outside, and what, is none of the step's business. */
async function whyLeadsAway(workspace: string, path: string): Promise<string | undefined> {
  const parent = await placeInside(workspace, dirname(path))
  if (parent === undefined) return undefined
  const place = join(parent, basename(path))
  const stats = await lstat(place).catch(() => undefined)
  if (stats?.isSymbolicLink() !== true) return undefined
  const inWorkspace = relative(await realpath(workspace), place)
  return linkStaysInside(inWorkspace, await readlink(place))
    ? 'is a link to what is not there'
    : 'leads out of the workspace'
}

async function realpathOrNothing(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined
    throw error
  }
}
