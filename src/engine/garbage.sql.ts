import { allRows } from '../db/all-rows.ts'
import type { Reader } from '../db/open-database.ts'

/** What garbage collection asks of the engine's rows: what runs still need, and what the cache has. */

const PAGE = 500
const ACTIVE_RUNS = ['queued', 'running', 'cancelling'] as const

/** Outputs of steps whose run has not ended, as JSON. */
export async function* outputsInUse(reader: Reader): AsyncGenerator<string> {
  const rows = allRows({ run_id: '', key: '' }, ({ run_id, key }) =>
    reader
      .selectFrom('steps')
      .innerJoin('runs', 'runs.id', 'steps.run_id')
      .select(['steps.run_id', 'steps.key', 'steps.outputs'])
      .where('runs.state', 'in', [...ACTIVE_RUNS])
      .where('steps.outputs', 'is not', null)
      .where((where) =>
        where.or([
          where('steps.run_id', '>', run_id),
          where.and([where('steps.run_id', '=', run_id), where('steps.key', '>', key)]),
        ]),
      )
      .orderBy('steps.run_id')
      .orderBy('steps.key')
      .limit(PAGE)
      .execute(),
  )
  for await (const { outputs } of rows) if (outputs !== null) yield outputs
}

/** Trees of the commits of runs that have not ended, or were created after `since`. All of them: what is left out goes. */
export async function* sourceTreesInUse(reader: Reader, since: number): AsyncGenerator<string> {
  const rows = allRows({ source_tree: '' }, ({ source_tree: last }) =>
    reader
      .selectFrom('runs')
      .select('source_tree')
      .distinct()
      .where((where) => where.or([where('state', 'in', [...ACTIVE_RUNS]), where('created_at', '>=', since)]))
      .where('source_tree', '>', last)
      .orderBy('source_tree')
      .limit(PAGE)
      .execute(),
  )
  for await (const { source_tree: tree } of rows) yield tree
}

export async function sourceTreesOf(reader: Reader, runIds: readonly string[]): Promise<string[]> {
  const trees: string[] = []
  for (let start = 0; start < runIds.length; start += PAGE) {
    const page = runIds.slice(start, start + PAGE)
    const rows = await reader
      .selectFrom('runs')
      .select('source_tree')
      .where('id', 'in', page)
      .orderBy('id')
      .limit(PAGE)
      .execute()
    trees.push(...rows.map((row) => row.source_tree))
  }
  return trees
}

/** What attempts handed on that ended after `since`, or whose run goes on, as JSON. */
export async function* checkpointsInUse(reader: Reader, since: number): AsyncGenerator<string> {
  const rows = allRows({ id: '' }, ({ id: last }) =>
    reader
      .selectFrom('attempts')
      .innerJoin('runs', 'runs.id', 'attempts.run_id')
      .select(['attempts.checkpoint', 'attempts.id'])
      .where('attempts.checkpoint', 'is not', null)
      .where((where) =>
        where.or([where('runs.state', 'in', [...ACTIVE_RUNS]), where('attempts.ended_at', '>=', since)]),
      )
      .where('attempts.id', '>', last)
      .orderBy('attempts.id')
      .limit(PAGE)
      .execute(),
  )
  for await (const { checkpoint } of rows) if (checkpoint !== null) yield checkpoint
}

export interface CachedStep {
  readonly scope: string
  readonly key: string
  readonly outputs: string
  readonly used_at: number
}

export function cachedSteps(reader: Reader): AsyncGenerator<CachedStep> {
  return allRows({ scope: '', key: '' }, ({ scope, key }) =>
    reader
      .selectFrom('step_cache')
      .select(['scope', 'key', 'outputs', 'used_at'])
      .where((where) =>
        where.or([where('scope', '>', scope), where.and([where('scope', '=', scope), where('key', '>', key)])]),
      )
      .orderBy('scope')
      .orderBy('key')
      .limit(PAGE)
      .execute(),
  )
}

/** Forgets entries that were not used again meanwhile. */
export async function forgetCached(writer: Reader, entries: readonly CachedStep[]): Promise<void> {
  for (const { scope, key, used_at } of entries) {
    await writer
      .deleteFrom('step_cache')
      .where('scope', '=', scope)
      .where('key', '=', key)
      .where('used_at', '=', used_at)
      .execute()
  }
}

export interface KeptAttempt {
  readonly project: string
  readonly number: number
  readonly step: string
  readonly attempt: number
  readonly folder: string
  readonly isActive: boolean
}

/** Attempts that go on, or ended after `since`. */
export async function* attemptsSince(reader: Reader, since: number): AsyncGenerator<KeptAttempt> {
  let last = ''
  for (;;) {
    const rows = await reader
      .selectFrom('attempts')
      .innerJoin('runs', 'runs.id', 'attempts.run_id')
      .select(['attempts.id', 'attempts.step', 'attempts.number as attempt', 'attempts.folder', 'attempts.ended_at'])
      .select(['runs.project', 'runs.number'])
      .where('attempts.id', '>', last)
      .where((where) => where.or([where('attempts.ended_at', 'is', null), where('attempts.ended_at', '>=', since)]))
      .orderBy('attempts.id')
      .limit(PAGE)
      .execute()
    for (const { id: _, ended_at: endedAt, ...row } of rows) yield { ...row, isActive: endedAt === null }
    const next = rows.at(-1)
    if (next === undefined) return
    last = next.id
  }
}
