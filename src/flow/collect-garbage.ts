import { existsSync, rmSync } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  collectGarbage as collectContent,
  type CachedOutput,
  type GarbageRow as ContentRow,
} from '../artifacts/collect-garbage.ts'
import { lockShared, sharedFolders } from '../artifacts/shared-folder.ts'
import { limit } from '../core/limits.ts'
import { isDiskFull } from '../core/storage-error.ts'
import { countForgottenReports, forgetReports } from '../evaluation/reports.sql.ts'
import { attemptPlace } from '../engine/attempt-place.ts'
import { attemptsSince, forgetCached } from '../engine/garbage.sql.ts'
import { STEP_EVENTS } from '../core/events.ts'
import { forgetEvents } from '../db/forget-events.ts'
import { hasHappened } from '../db/outbox.ts'
import { bytesBelow } from '../lib/bytes-below.ts'
import { hasCode } from '../lib/error-code.ts'
import { removeFolder } from '../lib/remove-folder.ts'
import { BACKUP_PREFIX } from './back-up.ts'
import type { Installation } from './installation.ts'
import { environmentOfRun } from './environment-of-run.ts'
import { keptVersions } from '../registry/kept-versions.sql.ts'
import { listEnvironments } from '../build/environment-marker.ts'
import { projectsIn } from '../source/projects.ts'
import { cachedReferences, liveReferences } from './live-references.ts'
import { collectTestResults } from './collect-test-results.ts'
import { candidateEndpoint } from './step-opening.ts'
import { PrivateEndpoints } from './private-endpoints.ts'
import { wantedTraffic } from './route-table.ts'

export type GarbageNeeds = Pick<Installation, 'database' | 'dataFolder' | 'store' | 'routes' | 'keep'>

export interface CollectedRow {
  readonly what: string
  readonly why: string
  readonly bytes: number
  /** In a dry run: would be. */
  readonly removed: boolean
}

export interface CollectedGarbage {
  readonly rows: CollectedRow[]
  readonly freedBytes: number
}

/** Who makes something and has not yet written down that it did is spared for so long. */
const MIN_AGE_MS = 24 * 3_600_000

/**
 * Removes what nothing refers to: content of the store, cached outputs over their budget, workspaces past their
 * time, logs past their time or over their budget, endpoints that a crash left, restored bundles that no host serves, what
 * runs said of single tests and events of steps past their time. Goes on beside runs and predictions.
 */
export function collectGarbage(needs: GarbageNeeds, dryRun: boolean, signal?: AbortSignal): Promise<CollectedGarbage> {
  const mine = turn.then(() => collect(needs, dryRun, signal))
  turn = mine.catch(() => undefined)
  return mine
}

/** Two at once would each find gone what the other removes. */
let turn: Promise<unknown> = Promise.resolve()

/** What needs no row comes first: on a full disk the rows need the room that it leaves. */
async function collect(needs: GarbageNeeds, dryRun: boolean, signal?: AbortSignal): Promise<CollectedGarbage> {
  const now = Date.now()
  const parts = [
    () => collectDamaged(needs, now, dryRun),
    () => collectWorkspaces(needs, now - limit('workspaceKeepMs'), dryRun),
    () => collectLogs(needs, now, dryRun),
    () => collectEndpoints(needs, dryRun),
    () => collectBundles(needs, now, dryRun),
    () => collectSharedFolders(needs, now, dryRun),
    () => collectHalfBackups(needs, now, dryRun),
    () => collectRepositories(needs, now, dryRun),
    () => collectEnvironments(needs, now, dryRun),
    () => collectStore(needs, now, dryRun, signal),
    () => collectTestResults(needs, now, dryRun),
    () => collectReports(needs, now - limit('logKeepMs'), dryRun),
    () => collectStepEvents(needs, now - limit('stepEventKeepMs'), dryRun),
  ]
  const rows: CollectedRow[] = []
  const failures: unknown[] = []
  for (const part of parts) {
    signal?.throwIfAborted()
    await part().then(
      (found) => rows.push(...found),
      (error: unknown) => failures.push(error),
    )
  }
  // Whatever one of them could not do, the others have done theirs.
  if (failures.length > 0) throw failures[0]
  return { rows, freedBytes: rows.reduce((sum, row) => sum + (row.removed ? row.bytes : 0), 0) }
}

/**
 * Cache entries go before their content: a step that asks in between runs again. What is alive is looked up
 * after that, so that an entry that answered at the last moment is seen by the run it answered. On a disk too full
 * for that, what nothing refers to goes first.
 */
async function collectStore(
  { database, dataFolder, store, keep }: GarbageNeeds,
  now: number,
  dryRun: boolean,
  signal: AbortSignal | undefined,
): Promise<CollectedRow[]> {
  const cached = await cachedReferences(database.read, dataFolder)
  const outputs = cached.flatMap(({ refs, usedAt }) => refs.map((ref): CachedOutput => ({ ref, usedAt })))
  const question = {
    cached: outputs,
    budgetBytes: keep?.cacheBytes ?? limit('cacheBytes'),
    minAgeMs: MIN_AGE_MS,
    now,
    signal,
  }
  const live = await liveReferences(database.read, dataFolder, now)
  const plan = await collectContent(store, { ...question, live, dryRun: true })
  if (dryRun) return summarize(plan.rows)
  const dropped = new Set(plan.dropped.map(({ ref }) => ref.digest))
  const entries = cached.flatMap(({ refs, entry }) =>
    entry !== undefined && refs.some(({ digest }) => dropped.has(digest)) ? [entry] : [],
  )
  const forget = () => database.write((writer) => forgetCached(writer, entries))
  const unneeded: ContentRow[] = []
  if (entries.length > 0) {
    await forget().catch(async (error: unknown) => {
      if (!isDiskFull(error)) throw error
      const spared = { ...question, budgetBytes: Infinity, live, dryRun: false }
      unneeded.push(...(await collectContent(store, spared)).rows.filter(({ deleted }) => deleted))
      await forget()
    })
  }
  const stillLive = await liveReferences(database.read, dataFolder, now)
  const { rows } = await collectContent(store, { ...question, live: stillLive, dryRun: false })
  return summarize([...unneeded, ...rows])
}

/** Nothing will ever read it again; somebody may want to see what the disk did to it. */
const DAMAGED_KEEP_MS = 30 * 24 * 3_600_000

async function collectDamaged({ dataFolder }: GarbageNeeds, now: number, dryRun: boolean): Promise<CollectedRow[]> {
  const folder = join(dataFolder, 'store', 'damaged')
  const rows: CollectedRow[] = []
  for (const name of existsSync(folder) ? (await readdir(folder)).sort() : []) {
    const { size, mtimeMs } = await lstat(join(folder, name))
    if (now - mtimeMs < DAMAGED_KEEP_MS) continue
    if (!dryRun) rmSync(join(folder, name), { force: true })
    rows.push({ what: `store/damaged/${name}`, why: 'damaged, and set aside a month ago', bytes: size, removed: true })
  }
  return rows
}

/** Contents by the thousand are told by their number and the reason. */
function summarize(rows: readonly ContentRow[]): CollectedRow[] {
  return [...Map.groupBy(rows, ({ why, deleted }) => `${deleted} ${why}`).values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const bytes = group.reduce((sum, { size }) => sum + size, 0)
    const why = first.deleted ? first.why : `kept: ${first.why}`
    return [
      { what: `store: ${group.length} ${group.length === 1 ? 'file' : 'files'}`, why, bytes, removed: first.deleted },
    ]
  })
}

/** Workspaces of attempts that neither go on nor ended after `since`, with what stands beside them. */
async function collectWorkspaces(
  { database, dataFolder }: GarbageNeeds,
  since: number,
  dryRun: boolean,
): Promise<CollectedRow[]> {
  const kept = new Set<string>()
  for await (const { project, number, step, attempt } of attemptsSince(database.read, since)) {
    const { workspace } = attemptPlace(dataFolder, { id: '', project, number }, step, attempt)
    for (const beside of ['', '.home', '.tmp']) kept.add(`${workspace}${beside}`)
  }
  const rows: CollectedRow[] = []
  let keptBytes = 0
  for (const folder of await foldersBelow(join(dataFolder, 'workspaces'), 4)) {
    if (kept.has(folder) || (await lstat(folder)).mtimeMs > since) keptBytes += await sizeBelow(folder)
    else {
      rows.push(await remove(folder, dataFolder, 'workspace past its time', dryRun))
      if (!dryRun) rmSync(`${folder}.env`, { force: true })
    }
  }
  return [...rows, ...keptRow('workspaces', 'their attempts go on, or ended a short time ago', keptBytes)]
}

/** Logs past their time; of the others those of the attempts that ended first, when all are over the budget. */
export async function collectLogs(
  { database, dataFolder, keep }: Pick<GarbageNeeds, 'database' | 'dataFolder' | 'keep'>,
  now: number,
  dryRun: boolean,
): Promise<CollectedRow[]> {
  const since = now - (keep?.logMs ?? limit('logKeepMs'))
  const [young, active] = [new Set<string>(), new Set<string>()]
  for await (const { project, number, step, attempt, isActive } of attemptsSince(database.read, since)) {
    const { folder } = attemptPlace(dataFolder, { id: '', project, number }, step, attempt)
    young.add(folder)
    if (isActive) active.add(folder)
  }
  const rows: CollectedRow[] = []
  const left: { readonly folder: string; readonly bytes: number; readonly at: number }[] = []
  for (const folder of await foldersBelow(join(dataFolder, 'attempts'), 4)) {
    const at = (await lstat(folder)).mtimeMs
    if (young.has(folder) || at > since) left.push({ folder, bytes: await sizeBelow(folder), at })
    else rows.push(await remove(folder, dataFolder, 'log past its time', dryRun))
  }
  let keptBytes = 0
  for (const { folder, bytes } of left.toSorted((a, b) => b.at - a.at)) {
    const fits = keptBytes + bytes <= (keep?.logBytes ?? limit('logKeepBytes'))
    if (fits || active.has(folder)) keptBytes += bytes
    else rows.push(await remove(folder, dataFolder, 'log over the budget of all logs', dryRun))
  }
  return [...rows, ...keptRow('attempts', 'logs within their time and budget', keptBytes)]
}

/** Endpoints of candidates are closed with their attempts; a server that was killed in between leaves one. */
async function collectEndpoints(
  { database, dataFolder, routes }: GarbageNeeds,
  dryRun: boolean,
): Promise<CollectedRow[]> {
  const open = new Set<string>()
  for await (const { project, number, step, attempt } of attemptsSince(database.read, Number.MAX_SAFE_INTEGER)) {
    open.add(candidateEndpoint(`${project}#${number}/${step}/${attempt}`))
  }
  const rows: CollectedRow[] = []
  for (const { id, runId } of await new PrivateEndpoints(dataFolder).list()) {
    if (!id.startsWith('candidate-') || open.has(id)) continue
    if (!dryRun) await routes.closePrivate(id)
    rows.push({ what: `endpoint ${id} of ${runId}`, why: 'its attempt has ended', bytes: 0, removed: true })
  }
  return rows
}

function keptRow(what: string, why: string, bytes: number): CollectedRow[] {
  return bytes === 0 ? [] : [{ what, why: `kept: ${why}`, bytes, removed: false }]
}

/** They are put in place again from the store when a host needs them. */
async function collectBundles(
  { database, dataFolder }: GarbageNeeds,
  now: number,
  dryRun: boolean,
): Promise<CollectedRow[]> {
  const { hosts } = await wantedTraffic(database.read)
  const endpoints = await new PrivateEndpoints(dataFolder).list()
  const used = new Set([...hosts, ...endpoints].map(({ bundle }) => bundle.replace('sha256:', '')))
  const rows: CollectedRow[] = []
  for (const folder of await foldersBelow(join(dataFolder, 'bundles'), 1)) {
    const isYoung = now - (await lstat(folder)).mtimeMs < MIN_AGE_MS
    if (isYoung || used.has(basename(folder))) continue
    rows.push(await remove(folder, dataFolder, 'no host serves this bundle', dryRun))
  }
  return rows
}

/** Folders that steps read through a mount. Their files are the store's by another name: it is this name that goes. */
async function collectSharedFolders(
  { database, dataFolder }: GarbageNeeds,
  now: number,
  dryRun: boolean,
): Promise<CollectedRow[]> {
  const live = new Set((await liveReferences(database.read, dataFolder, now)).map(({ digest }) => digest))
  const rows: CollectedRow[] = []
  for (const folder of await foldersBelow(sharedFolders(join(dataFolder, 'store')), 1)) {
    using _lock = await lockShared(folder, AbortSignal.timeout(LOCK_MS))
    const stats = await lstat(folder).catch(ignoreMissing)
    if (stats === undefined || now - stats.mtimeMs < MIN_AGE_MS || live.has(`sha256:${basename(folder)}`)) continue
    if (!dryRun) await removeFolder(folder)
    const what = folder.slice(dataFolder.length + 1)
    rows.push({ what, why: 'no step has read this folder for a day', bytes: 0, removed: true })
  }
  return rows
}

/** Somebody makes a folder meanwhile. */
const LOCK_MS = 10 * 60_000

function ignoreMissing(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT')) throw error
}

/** A backup links what it saves into a folder of its own, which one that was killed leaves. */
async function collectHalfBackups({ dataFolder }: GarbageNeeds, now: number, dryRun: boolean): Promise<CollectedRow[]> {
  const rows: CollectedRow[] = []
  for (const folder of await foldersBelow(dataFolder, 1)) {
    if (!basename(folder).startsWith(BACKUP_PREFIX) || now - (await lstat(folder)).mtimeMs < MIN_AGE_MS) continue
    rows.push(await remove(folder, dataFolder, 'left by a backup that was killed', dryRun))
  }
  return rows
}

const REPOSITORY_KEEP_MS = 30 * 24 * 3_600_000

/** Of projects that were removed: who adds one of them again within the time has its commits. */
async function collectRepositories(
  { database, dataFolder }: GarbageNeeds,
  now: number,
  dryRun: boolean,
): Promise<CollectedRow[]> {
  const rows: CollectedRow[] = []
  for (const folder of await foldersBelow(join(dataFolder, 'repositories'), 1)) {
    const isYoung = now - (await lstat(folder)).mtimeMs < REPOSITORY_KEEP_MS
    const name = basename(folder, '.git')
    if (isYoung || (await projectsIn(database.read, name)).length > 0) continue
    // Another database than the folder's knows nothing of it either.
    if (!(await hasHappened(database.read, 'project.removed', name))) continue
    rows.push(await remove(folder, dataFolder, 'its last project was removed a month ago', dryRun))
  }
  return rows
}

/** One that is wanted again is built again; but a version may be deployed at any time, and has nobody who builds. */
async function collectEnvironments(
  { database, dataFolder }: GarbageNeeds,
  now: number,
  dryRun: boolean,
): Promise<CollectedRow[]> {
  const root = join(dataFolder, 'environments')
  const kept = new Set<string>()
  for await (const version of keptVersions(database.read)) {
    const environment = await environmentOfRun(database.read, version.run_id)
    if (environment !== undefined) kept.add(environment.folder)
  }
  const rows: CollectedRow[] = []
  for (const { folder, usedAt } of await listEnvironments(root)) {
    const last = usedAt ?? (await lstat(folder)).mtimeMs
    if (kept.has(folder) || last > now - limit('environmentKeepMs')) continue
    rows.push(await remove(folder, dataFolder, 'no run has used this build environment for a month', dryRun))
  }
  return rows
}

/** Rows without their content, which goes with the rest of the store: a page shall not lead to nothing. */
async function collectReports({ database }: GarbageNeeds, before: number, dryRun: boolean): Promise<CollectedRow[]> {
  const count = dryRun
    ? await countForgottenReports(database.read, before)
    : await database.write((writer) => forgetReports(writer, before))
  if (count === 0) return []
  const what = `${count} ${count === 1 ? 'report' : 'reports'} of candidates`
  return [{ what, why: 'nothing was registered of them, and their time is over', bytes: 0, removed: true }]
}

async function remove(folder: string, dataFolder: string, why: string, dryRun: boolean): Promise<CollectedRow> {
  const bytes = await sizeBelow(folder)
  if (!dryRun) await removeFolder(folder)
  return { what: folder.slice(dataFolder.length + 1), why, bytes, removed: true }
}

async function foldersBelow(root: string, depth: number): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  })
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, entry.name))
    .sort()
  if (depth === 1) return folders
  return (await Promise.all(folders.map((folder) => foldersBelow(folder, depth - 1)))).flat()
}

function sizeBelow(folder: string): Promise<number> {
  return bytesBelow(folder, ({ size }) => size)
}

/** Nearly all events are of these kinds, and what they tell stands in the rows of their run. */
async function collectStepEvents({ database }: GarbageNeeds, since: number, dryRun: boolean): Promise<CollectedRow[]> {
  const count = await forgetEvents(database, STEP_EVENTS, since, dryRun)
  if (count === 0) return []
  const what = `${count.toLocaleString('en')} events of steps and attempts`
  return [{ what, why: 'past their time', bytes: 0, removed: true }]
}
