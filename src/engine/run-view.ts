import type { EventKind } from '../core/events.ts'
import { RUN_TRANSITIONS } from '../core/run-state.ts'
import { isFinal } from '../core/transitions.ts'
import type { Reader } from '../db/open-database.ts'
import { newestEventId, readChanges } from '../db/outbox.ts'
import { glanceAtRuns, listActiveRuns, type RunGlance } from './runs.sql.ts'
import { glanceAtSteps, glanceAtTheseSteps, type StepGlance } from './steps.sql.ts'

/** Runs that have not ended, as the rows are, and what changed since the look before. */
export interface RunView {
  /** Oldest first. */
  readonly runs: readonly RunGlance[]
  /** Of runs that are not queued, in the plan's order. */
  readonly steps: ReadonlyMap<string, readonly StepGlance[]>
  /** Runs that are not as they were, and those of their steps that may have changed. */
  readonly changed: ReadonlyMap<string, readonly StepGlance[]>
}

/** However many events tell of single changes, everything is read again so often. */
const WHOLE_MS = 5_000

/** More changes than this are read as a whole. */
const MOST_CHANGES = 500

/**
 * The rows of all runs that have not ended, kept from one look to the next: every change of a state has an
 * event in its transaction, so only what the events since then name is read again. A run of a thousand steps
 * would otherwise be read a thousand times as a whole. Forgotten as a whole at intervals, so that nothing
 * depends on an event. What one look answered is brought up to date by the next.
 */
export function createRunView(reader: Reader): { look(): Promise<RunView> } {
  let runs = new Map<string, RunGlance>()
  let steps = new Map<string, StepGlance[]>()
  /** Where a step stands among those of its run. */
  const places = new WeakMap<StepGlance[], Map<string, number>>()
  let seen = -1
  let wholeAt = -Infinity

  async function look(): Promise<RunView> {
    const changes = seen < 0 ? [] : await readChanges(reader, seen, KINDS, MOST_CHANGES)
    const isWhole = changes.length === MOST_CHANGES || performance.now() - wholeAt > WHOLE_MS
    const changed = isWhole ? await readWhole() : await readChanged(changes)
    return { runs: [...runs.values()].sort(byAge), steps, changed }
  }

  async function readWhole(): Promise<RunView['changed']> {
    wholeAt = performance.now()
    // Before the rows: what changes in between is read twice, and not missed.
    seen = await newestEventId(reader)
    runs = new Map((await listActiveRuns(reader)).map((run) => [run.id, run]))
    const moving = [...runs.values()].filter((run) => run.state !== 'queued').map((run) => run.id)
    steps = Map.groupBy(await glanceAtSteps(reader, moving), (step) => step.run_id)
    return new Map(Array.from(runs.keys(), (run) => [run, steps.get(run) ?? []]))
  }

  async function readChanged(changes: readonly { id: number; subject: string }[]): Promise<RunView['changed']> {
    const named = Map.groupBy(
      changes.map(({ subject }) => parseSubject(subject)),
      ({ run }) => run,
    )
    const fresh = await glanceAtRuns(
      reader,
      [...named].flatMap(([run, parts]) => (isAboutRun(run, parts) ? [run] : [])),
    )
    for (const run of fresh) {
      if (isFinal(RUN_TRANSITIONS, run.state)) forget(run.id)
      else runs.set(run.id, run)
    }
    const keysOf = new Map(
      Array.from(named, ([run, parts]) => [run, new Set(parts.flatMap(({ step }) => step ?? []))] as const),
    )
    const changed = new Map<string, readonly StepGlance[]>()
    for (const [run, keys] of keysOf) changed.set(run, await readSteps(run, keys))
    seen = changes.at(-1)?.id ?? seen
    return changed
  }

  function isAboutRun(run: string, parts: readonly { step: string | undefined }[]): boolean {
    return parts.some(({ step }) => step === undefined) || !runs.has(run)
  }

  function forget(run: string): void {
    runs.delete(run)
    steps.delete(run)
  }

  async function readSteps(run: string, keys: ReadonlySet<string>): Promise<readonly StepGlance[]> {
    const known = steps.get(run)
    if (runs.get(run) === undefined || runs.get(run)?.state === 'queued') return []
    if (known === undefined || keys.size > MOST_CHANGES) {
      const all = await glanceAtSteps(reader, [run])
      steps.set(run, all)
      return all
    }
    const rows = await glanceAtTheseSteps(reader, run, [...keys])
    for (const row of rows) {
      const place = placesIn(known).get(row.key)
      if (place !== undefined) known[place] = row
    }
    return rows
  }

  function placesIn(known: StepGlance[]): Map<string, number> {
    const found = places.get(known) ?? new Map(known.map(({ key }, place) => [key, place]))
    places.set(known, found)
    return found
  }

  return { look }
}

const KINDS = [
  'run.created',
  'run.started',
  'run.cancelling',
  'run.ended',
  'step.started',
  'step.ended',
] as const satisfies readonly EventKind[]

/** `digits#12`, `digits#12/train`. */
function parseSubject(subject: string): { run: string; step: string | undefined } {
  const slash = subject.indexOf('/')
  return slash === -1
    ? { run: subject, step: undefined }
    : { run: subject.slice(0, slash), step: subject.slice(slash + 1) }
}

function byAge(a: RunGlance, b: RunGlance): number {
  return a.created_at - b.created_at || (a.project < b.project ? -1 : a.project > b.project ? 1 : a.number - b.number)
}
