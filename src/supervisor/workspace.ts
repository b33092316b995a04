import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  type Stats,
} from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { AppError } from '../core/errors.ts'
import { materialize } from '../artifacts/materialize.ts'
import { ownProgram } from '../lib/own-program.ts'
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

export interface Filling {
  readonly order: AttemptOrder
  readonly files: readonly TreeFile[]
  readonly mounts: readonly Mount[]
  readonly store: Store
  readonly signal: AbortSignal
  /** Writes a line into the attempt's log. */
  readonly note: (line: string) => void
}

/**
 * Makes workspace, home and temporary folder, each for the attempt's user alone, and fills the workspace.
 * What is left of an earlier try that was killed here is removed first.
 */
export async function prepareWorkspace({ order, files, mounts, store, signal, note }: Filling): Promise<void> {
  const { home, tmp } = privateFolders(order)
  mkdirSync(dirname(order.workspace), { recursive: true, mode: 0o711 })
  for (const folder of [order.workspace, home, tmp]) {
    await remove(folder)
    mkdirSync(folder, { mode: 0o700 })
  }
  // A command follows its links with its own rights; a task would follow them with ours.
  const outsideLinks =
    order.command.kind === 'command'
      ? 'keep'
      : (path: string, target: string) =>
          note(`the link ${path} leads out of the workspace, to ${target}: it is left out`)
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
  removeStrays(order)
  const removed = await Promise.allSettled([home, tmp].map(removePrivate))
  for (const each of removed) if (each.status === 'rejected') throw each.reason
}

/** Where everybody may write. The first is memory. */
const PUBLIC_FOLDERS = ['/dev/shm', '/tmp', '/var/tmp']

/**
 * What the attempt's user left there: it would stay for good, and belong to another attempt when its number comes round. Behind
 * walls these folders are its own. Names are looked at only where something was made since. The user itself removes it, with no
 * more rights than it had: a folder that it left open to all may be changed by others while we are in it. What it cannot remove
 * stays.
 */
function removeStrays({ runAs, sandbox, workspace }: AttemptOrder): void {
  if (runAs === undefined || sandbox === true || runAs.uid === process.getuid?.()) return
  const since = statSync(workspace, { throwIfNoEntry: false })?.birthtimeMs ?? 0
  const changed = PUBLIC_FOLDERS.filter((folder) => (lookAt(folder)?.mtimeMs ?? -1) >= since)
  const strays = changed
    .flatMap((folder) => namesIn(folder).map((name) => join(folder, name)))
    .filter((path) => lookAt(path)?.uid === runAs.uid)
    .slice(0, MOST_STRAYS)
  if (strays.length === 0) return
  spawnSync(ownProgram('rm'), ['-rf', '--', ...strays], {
    ...runAs,
    cwd: '/',
    env: {},
    stdio: 'ignore',
    timeout: 60_000,
  })
}

/** As many names as fit into one command line. */
const MOST_STRAYS = 1_000

/** At a link itself. */
function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    // Nothing that we may look at.
    return undefined
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // A machine without it.
    return []
  }
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
