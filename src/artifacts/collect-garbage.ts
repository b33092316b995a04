import { readTree } from './read.ts'
import { isAppError } from '../core/errors.ts'
import { isLostContent } from '../core/lost-content.ts'
import type { ArtifactRef, TreeFile } from '../core/tree.ts'
import { reach } from '../core/points.ts'
import type { Digest } from '../core/digest.ts'
import type { Store } from '../core/ports/store.ts'

/** A cached output: kept while there is room, the last used first. */
export interface CachedOutput {
  readonly ref: ArtifactRef
  readonly usedAt: number
}

export interface GarbageQuestion {
  /** What live runs, versions, deployments and open approvals refer to. Never deleted, whatever the budget says. */
  readonly live: readonly ArtifactRef[]
  readonly cached: readonly CachedOutput[]
  /** For cached content that nothing live refers to. */
  readonly budgetBytes: number
  /** Content younger than this is spared: somebody may be about to refer to it. */
  readonly minAgeMs: number
  readonly now: number
  /** Explain only. */
  readonly dryRun: boolean
  /** Ends it between two contents. */
  readonly signal?: AbortSignal | undefined
}

export interface GarbageRow {
  readonly digest: Digest
  readonly size: number
  readonly deleted: boolean
  readonly why:
    | 'live'
    | 'cached, within the budget'
    | 'too young to judge'
    | 'cached, over the budget'
    | 'nothing refers to it'
}

export interface GarbageReport {
  readonly rows: readonly GarbageRow[]
  readonly keptBytes: number
  /** What was deleted; in a dry run, what would be. */
  readonly freedBytes: number
  /** Cached outputs that are not whole any more: their cache entries have to go *before* the next lookup. */
  readonly dropped: readonly CachedOutput[]
}

/**
 * Deletes what nothing needs. Whole outputs are kept or dropped, never half of one. Safe beside writers of
 * the same store, because a `put` makes content young again, and the store looks at its age once more when it
 * deletes. The disk being full changes nothing here: what is over the budget goes, and no more.
 */
export async function collectGarbage(store: Store, question: GarbageQuestion): Promise<GarbageReport> {
  const live = await expand(store, question.live)
  const { kept, dropped } = await chooseCached(store, question, live)
  const over = await expand(
    store,
    dropped.map((output) => output.ref),
  )

  const rows: GarbageRow[] = []
  for await (const content of store.list()) {
    question.signal?.throwIfAborted()
    const young = question.now - content.modifiedAt < question.minAgeMs
    const row = judge(content, { live, kept, over, young })
    rows.push(row.deleted && !question.dryRun ? await remove(store, row, question) : row)
  }
  const freedBytes = sum(rows.filter((row) => row.deleted))
  return { rows, freedBytes, keptBytes: sum(rows) - freedBytes, dropped }
}

/** Somebody may have put it again since it was listed. */
async function remove(store: Store, row: GarbageRow, { now, minAgeMs }: GarbageQuestion): Promise<GarbageRow> {
  if (!(await store.delete(row.digest, now - minAgeMs))) return { ...row, deleted: false, why: 'too young to judge' }
  await reach('garbage deleted', row.digest)
  return row
}

interface Sets {
  readonly live: ReadonlyMap<Digest, number>
  readonly kept: ReadonlyMap<Digest, number>
  readonly over: ReadonlyMap<Digest, number>
  readonly young: boolean
}

function judge({ digest, size }: { digest: Digest; size: number }, { live, kept, over, young }: Sets): GarbageRow {
  if (live.has(digest)) return { digest, size, deleted: false, why: 'live' }
  if (kept.has(digest)) return { digest, size, deleted: false, why: 'cached, within the budget' }
  if (young) return { digest, size, deleted: false, why: 'too young to judge' }
  if (over.has(digest)) return { digest, size, deleted: true, why: 'cached, over the budget' }
  return { digest, size, deleted: true, why: 'nothing refers to it' }
}

/** The last used first, until one does not fit: everything older goes with it. */
async function chooseCached(store: Store, question: GarbageQuestion, live: ReadonlyMap<Digest, number>) {
  const newestFirst = question.cached.toSorted((a, b) => b.usedAt - a.usedAt)
  const kept = new Map<Digest, number>()
  let bytes = 0
  for (const [at, output] of newestFirst.entries()) {
    const contents = [...(await expand(store, [output.ref]))].filter(
      ([digest]) => !live.has(digest) && !kept.has(digest),
    )
    bytes += contents.reduce((sum, [, size]) => sum + size, 0)
    if (bytes > question.budgetBytes) return { kept, dropped: newestFirst.slice(at) }
    for (const [digest, size] of contents) kept.set(digest, size)
  }
  return { kept, dropped: [] }
}

/** Every digest behind these references, with its size. What is not there any more is not followed. */
async function expand(store: Store, refs: readonly ArtifactRef[]): Promise<Map<Digest, number>> {
  const found = new Map<Digest, number>()
  for (const ref of refs) {
    const size = await store.has(ref.digest)
    if (size === undefined) continue
    found.set(ref.digest, size)
    if (ref.kind === 'file') continue
    for (const file of await filesOf(store, ref)) found.set(file.digest, file.size)
  }
  return found
}

/** Nobody can use a tree that cannot be read: what it may have named is kept by nothing, and the rest is looked at all the same. */
async function filesOf(store: Store, { digest }: ArtifactRef): Promise<readonly TreeFile[]> {
  try {
    return (await readTree(store, digest)).files
  } catch (error) {
    if (isLostContent(error) || isAppError(error, 'INVALID_INPUT') || isAppError(error, 'DAMAGED')) return []
    throw error
  }
}

function sum(rows: readonly GarbageRow[]): number {
  return rows.reduce((total, row) => total + row.size, 0)
}
