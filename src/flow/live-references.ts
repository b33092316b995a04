import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { datasetsInUse } from '../build/dataset-versions.sql.ts'
import { latestDatasets, latestOfSources } from '../build/latest-datasets.sql.ts'
import { ATTEMPT_FILES } from '../core/attempt-files.ts'
import { limit } from '../core/limits.ts'
import { isDigest } from '../core/digest.ts'
import type { ArtifactRef } from '../core/tree.ts'
import { openDatabase, type Reader } from '../db/open-database.ts'
import {
  attemptsSince,
  cachedSteps,
  checkpointsInUse,
  outputsInUse,
  sourceTreesInUse,
  sourceTreesOf,
  type CachedStep,
} from '../engine/garbage.sql.ts'
import { reportDigests } from '../evaluation/reports.sql.ts'
import { hasCode } from '../lib/error-code.ts'
import { readWrittenJson } from '../lib/json-file.ts'
import { keptVersions } from '../registry/kept-versions.sql.ts'

/** How long the files of a commit can be shown and run again without reading the repository anew, and its datasets are as its branch froze them. */
const SOURCE_KEEP_MS = 30 * 24 * 3_600_000

/**
 * Every artifact that something alive refers to: versions and what they come from, runs that have not ended,
 * recent commits, datasets as pushes would use them. Deployments and approvals bind to versions. Of local runs on the
 * same store those that have not ended.
 */
export async function liveReferences(reader: Reader, dataFolder: string, now: number): Promise<ArtifactRef[]> {
  const live = new References()
  const runs: string[] = []
  for await (const version of keptVersions(reader)) {
    live.addFile(version.bundle)
    live.addJson(version.manifest)
    live.addJson(version.lineage)
    runs.push(version.run_id)
  }
  live.addTrees(await sourceTreesOf(reader, runs))
  for (const digest of await reportDigests(reader, now - limit('logKeepMs'))) live.addFile(digest)
  await addRuns(live, reader, now - SOURCE_KEEP_MS)
  await forEachLocal(dataFolder, (local) => addRuns(live, local, now))
  return live.all()
}

async function addRuns(live: References, reader: Reader, since: number): Promise<void> {
  for await (const tree of sourceTreesInUse(reader, since)) live.addTrees([tree])
  for await (const outputs of outputsInUse(reader)) live.addJson(outputs)
  const handedOn = checkpointsInUse(reader, Date.now() - limit('checkpointKeepMs'))
  for await (const checkpoint of handedOn) live.addJson(checkpoint)
  for await (const artifact of latestDatasets(reader)) live.addJson(artifact)
  for await (const artifact of latestOfSources(reader, since)) live.addJson(artifact)
  for await (const artifact of datasetsInUse(reader)) live.addJson(artifact)
  // Parts of files that only an attempt was given: they are in its order and nowhere else.
  for await (const { folder, isActive } of attemptsSince(reader, Number.MAX_SAFE_INTEGER)) {
    if (isActive) live.add(readWrittenJson(join(folder, ATTEMPT_FILES.order)))
  }
}

/** What the step cache of the installation, and those of local runs on the same store, can answer with. */
export async function cachedReferences(
  reader: Reader,
  dataFolder: string,
): Promise<{ refs: ArtifactRef[]; usedAt: number; entry?: CachedStep }[]> {
  const found: { refs: ArtifactRef[]; usedAt: number; entry?: CachedStep }[] = []
  for await (const entry of cachedSteps(reader))
    found.push({ refs: referencesIn(entry.outputs), usedAt: entry.used_at, entry })
  await forEachLocal(dataFolder, async (local) => {
    for await (const { outputs, used_at: usedAt } of cachedSteps(local))
      found.push({ refs: referencesIn(outputs), usedAt })
  })
  return found
}

function referencesIn(json: string): ArtifactRef[] {
  const references = new References()
  references.addJson(json)
  return references.all()
}

/** Databases of `tidegate run`, one a folder. */
async function forEachLocal(dataFolder: string, look: (reader: Reader) => Promise<void>): Promise<void> {
  const folder = join(dataFolder, 'local')
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  })
  for (const name of names.filter((each) => each.endsWith('.db')).sort()) {
    await using database = await openDatabase(`sqlite:${join(folder, name)}`)
    await look(database.read)
  }
}

/** Collects whatever in a JSON value names content, wherever it stands: what a new member refers to is kept too. */
class References {
  readonly #found = new Map<string, ArtifactRef>()

  addFile(digest: string): void {
    if (isDigest(digest)) this.#put({ kind: 'file', digest, size: 0 })
  }

  addTrees(digests: readonly string[]): void {
    for (const digest of digests) if (isDigest(digest)) this.#put({ kind: 'tree', digest, size: 0 })
  }

  addJson(json: string): void {
    this.add(JSON.parse(json))
  }

  add(value: unknown): void {
    if (typeof value === 'string') return this.addFile(value)
    if (typeof value !== 'object' || value === null) return
    const { kind, digest } = value as { kind?: unknown; digest?: unknown }
    if (kind === 'tree' && typeof digest === 'string') this.addTrees([digest])
    for (const member of Object.values(value)) this.add(member)
  }

  all(): ArtifactRef[] {
    return [...this.#found.values()]
  }

  /** The same digest as a tree says more than as a file. */
  #put(ref: ArtifactRef): void {
    const key = ref.digest
    if (ref.kind === 'tree' || !this.#found.has(key)) this.#found.set(key, ref)
  }
}
