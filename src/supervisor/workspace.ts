import { chmodSync, chownSync, lstatSync, mkdirSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { AppError } from '../core/errors.ts'
import { materialize } from '../artifacts/materialize.ts'
import { openWay } from '../lib/open-way.ts'
import { removeFolder } from '../lib/remove-folder.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import type { Mount } from './mount-folders.ts'
import type { TreeFile } from '../core/tree.ts'
import type { Store } from '../core/ports/store.ts'

/** Private places beside the workspace: `<workspace>.home`, `<workspace>.tmp`. */
export function privateFolders({ workspace }: AttemptOrder) {
  return { home: `${workspace}.home`, tmp: `${workspace}.tmp` }
}

/**
 * Makes workspace, home and temporary folder, each for the attempt's user alone, and fills the workspace.
 * What is left of an earlier try that was killed here is removed first.
 */
export async function prepareWorkspace(
  order: AttemptOrder,
  files: readonly TreeFile[],
  mounts: readonly Mount[],
  store: Store,
  signal: AbortSignal,
): Promise<void> {
  const { home, tmp } = privateFolders(order)
  mkdirSync(dirname(order.workspace), { recursive: true, mode: 0o711 })
  for (const folder of [order.workspace, home, tmp]) {
    await remove(folder)
    mkdirSync(folder, { mode: 0o700 })
  }
  // A command follows its links with its own rights; a task would follow them with ours.
  const outsideLinks = order.command.kind === 'command' ? 'keep' : 'refuse'
  const owner = order.runAs ? { owner: order.runAs } : {}
  const folders = mounts.map(({ path }) => path)
  await materialize(store, files, order.workspace, { ...owner, folders, outsideLinks, signal })
  for (const path of order.outFolders ?? []) makeFolder(order, path)
  // Last, so that nobody else could put anything in our way.
  if (order.runAs)
    for (const folder of [order.workspace, home, tmp]) chownSync(folder, order.runAs.uid, order.runAs.gid)
  if (order.runAs) openTheWay(order)
}

/** Beside the files, so nothing is in their way but a link or a file of that name. */
function makeFolder({ workspace, runAs }: AttemptOrder, path: string): void {
  let folder = workspace
  for (const name of path.split('/')) {
    folder = join(folder, name)
    const found = lstatSync(folder, { throwIfNoEntry: false })
    if (found !== undefined && !found.isDirectory()) return
    if (found !== undefined) continue
    mkdirSync(folder)
    if (runAs) chownSync(folder, runAs.uid, runAs.gid)
  }
}

/** Afterwards its files are ours alone: the next attempt may run as the same user. Fails when all that can be done is done. */
export async function sealWorkspace(order: AttemptOrder): Promise<void> {
  if (order.debug) return
  if (order.runAs && statSync(order.workspace, { throwIfNoEntry: false })) {
    chownSync(order.workspace, process.getuid?.() ?? 0, process.getgid?.() ?? 0)
    chmodSync(order.workspace, 0o700)
  }
  const { home, tmp } = privateFolders(order)
  const removed = await Promise.allSettled([home, tmp].map(removePrivate))
  for (const each of removed) if (each.status === 'rejected') throw each.reason
}

/** Mostly nothing was put into it. */
async function removePrivate(folder: string): Promise<void> {
  try {
    rmdirSync(folder)
  } catch {
    await remove(folder)
  }
}

/** At once, as nearly always can be done. Who is not root may not empty a folder that was made read-only (Go's modules are). */
async function remove(folder: string): Promise<void> {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  } catch {
    await removeFolder(folder)
  }
}

/** The attempt's user has to pass through every folder above its workspace. */
function openTheWay({ workspace, storeFolder }: AttemptOrder): void {
  const closed = openWay(workspace, commonFolder(workspace, storeFolder))
  if (closed === undefined) return
  throw new AppError(
    'INVALID_INPUT',
    `The user that runs steps may not pass through ${closed}. Keep Tidegate's data elsewhere (TIDEGATE_DATA=/var/lib/tidegate), or allow it: chmod o+x ${closed}.`,
  )
}

function commonFolder(a: string, b: string): string {
  const [left, right] = [a.split(sep), b.split(sep)]
  const differ = left.findIndex((part, at) => part !== right[at])
  return join('/', ...left.slice(0, differ === -1 ? left.length : differ))
}
