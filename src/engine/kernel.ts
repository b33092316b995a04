import type { Plan, PlanStep } from '../core/plan.ts'
import type { Executor } from '../core/ports/executor.ts'
import type { ArtifactRef, TreeFile } from '../core/tree.ts'
import { isDigest } from '../core/digest.ts'
import { gather } from '../lib/gather.ts'
import type { Database, Writer, WriteOptions } from '../db/open-database.ts'
import { lockEvents } from '../db/outbox.ts'
import type { AttemptRow, RunRow } from '../db/tables.ts'
import { removeHandles } from './attempts.sql.ts'
import type { EngineOptions, StepContext } from './engine-options.ts'
import { getPlan, getRun, getRunState } from './runs.sql.ts'
import { parseOutputs, type StepOutputs } from './step-outputs.ts'
import { stepsSeen } from './steps-seen.ts'
import { listOutputs } from './steps.sql.ts'

/** What every operation of the engine works with. Memory only caches what never changes. */
export interface Kernel {
  readonly options: EngineOptions
  /** One transaction that may move rows and append events. */
  write<T>(work: (writer: Writer) => Promise<T>, options?: WriteOptions): Promise<T>
  /** As `write`, answered before the disk has it. */
  writeAhead: Database['writeAhead']
  planOf(runId: string): Promise<Plan>
  planStepsOf(runId: string): Promise<ReadonlyMap<string, PlanStep>>
  filesOf(ref: ArtifactRef): Promise<readonly TreeFile[]>
  sourceFiles(run: Pick<RunRow, 'source_tree'>): Promise<readonly TreeFile[]>
  executor(name: string): Executor | undefined
  /** Everything an operation on one step may need to know, as committed now. */
  contextOf(runId: string, key: string): Promise<StepContext>
  contextOfAttempt(attempt: AttemptRow): Promise<StepContext & { readonly attempt: AttemptRow }>
  /** Of an attempt that has been cleared away. Those of a moment are written together. */
  removeHandle(attemptId: string): Promise<void>
}

const REMOVE_AFTER_MS = 50
const KEPT_RUNS = 200
const KEPT_TREES = 50

export function createKernel(options: EngineOptions): Kernel {
  const runs = new Map<string, Promise<KnownRun>>()
  const trees = new Map<string, Promise<readonly TreeFile[]>>()

  function known(runId: string): Promise<KnownRun> {
    const run = remember(runs, runId, KEPT_RUNS, () => readRun(options, runId))
    run.catch(() => runs.delete(runId))
    return run
  }

  function first<T>(work: (writer: Writer) => Promise<T>): (writer: Writer) => Promise<T> {
    return async (writer) => {
      await lockEvents(writer, options.database.kind)
      return work(writer)
    }
  }

  const kernel: Kernel = {
    options,
    write: (work, how) => options.database.write(first(work), how),
    writeAhead: (work, how) => options.database.writeAhead(first(work), how),
    planOf: async (runId) => (await known(runId)).plan,
    planStepsOf: async (runId) => (await known(runId)).steps,
    filesOf: (ref) => {
      const files = remember(trees, ref.digest, KEPT_TREES, () => options.readTree(ref))
      files.catch(() => trees.delete(ref.digest))
      return files
    },
    async sourceFiles(run) {
      if (!isDigest(run.source_tree)) return []
      return kernel.filesOf({ kind: 'tree', digest: run.source_tree, size: 0 })
    },
    executor: (name) => options.executors.get(name),
    async contextOf(runId, key) {
      const { run: texts, plan, steps, ended } = await known(runId)
      const run = { ...texts, ...(await getRunState(options.database.read, runId)) }
      const step = steps.get(key)
      if (step === undefined) throw new Error(`the plan has no step ${key}`)
      const wanted = outputsWanted(steps, step)
      const rows = await listOutputs(
        options.database.read,
        runId,
        wanted?.filter((each) => !ended.has(each)),
      )
      for (const row of rows) ended.set(row.key, parseOutputs(row.outputs))
      const outputs = new Map((wanted ?? rows.map((row) => row.key)).flatMap((each) => outputsOf(ended, each)))
      return { run, plan, step, outputs }
    },
    async contextOfAttempt(attempt) {
      return { ...(await kernel.contextOf(attempt.run_id, attempt.step)), attempt }
    },
    removeHandle: gather(REMOVE_AFTER_MS, (ids: readonly string[]) =>
      options.database.write((writer) => removeHandles(writer, ids), { quiet: true }),
    ),
  }
  return kernel
}

function outputsOf(ended: KnownRun['ended'], key: string): [string, StepOutputs][] {
  const outputs = ended.get(key)
  return outputs === undefined ? [] : [[key, outputs]]
}

/** A task and an endpoint may look at any step before; a command gets what it needs, which in a wide run is little. */
function outputsWanted(steps: ReadonlyMap<string, PlanStep>, step: PlanStep): string[] | undefined {
  if (step.work.kind === 'task' || step.endpoint !== undefined) return undefined
  const seen = stepsSeen(steps, step)
  const wanted = new Set([...step.needs.map((need) => need.step), ...seen, ...step.uses])
  return wanted.size > MOST_NAMED ? undefined : [...wanted]
}

/** Statements stay below SQLite's count of variables. */
const MOST_NAMED = 500

/** A large plan is megabytes of text, and every operation on a step wants it. */
async function readRun(options: EngineOptions, id: string): Promise<KnownRun> {
  const run = await getRun(options.database.read, id)
  if (run === undefined) throw new Error(`there is no run ${id}`)
  const plan = await getPlan(options.database.read, id)
  return { run, plan, steps: new Map(plan.steps.map((step) => [step.key, step])), ended: new Map() }
}

interface KnownRun {
  readonly run: RunRow
  readonly plan: Plan
  readonly steps: ReadonlyMap<string, PlanStep>
  /** What steps that have succeeded wrote, as far as somebody asked: it never changes. */
  readonly ended: Map<string, StepOutputs>
}

/** A map that forgets its oldest entry when it is full. */
function remember<T>(known: Map<string, T>, key: string, size: number, make: () => T): T {
  const found = known.get(key)
  if (found !== undefined) return found
  const made = make()
  const [oldest] = known.keys()
  if (known.size >= size && oldest !== undefined) known.delete(oldest)
  known.set(key, made)
  return made
}
