import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openArtifacts } from '../../src/artifacts/open-artifacts.ts'
import { putTree } from '../../src/artifacts/put.ts'
import { readTree } from '../../src/artifacts/read.ts'
import type { AppEvent, NewEvent } from '../../src/core/events.ts'
import type { Plan, PlanStep } from '../../src/core/plan.ts'
import type { AttemptOrder, Executor } from '../../src/core/ports/executor.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { RUN_TRANSITIONS } from '../../src/core/run-state.ts'
import { isFinal } from '../../src/core/transitions.ts'
import type { Digest } from '../../src/core/digest.ts'
import type { TaskArtifacts } from '../../src/core/task.ts'
import { readEvents } from '../../src/db/outbox.ts'
import type { RunRow, StepRow } from '../../src/db/tables.ts'
import { openDummyExecutor } from '../../src/drivers/executor/dummy/dummy-executor.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { createEngine, type Engine } from '../../src/engine/engine.ts'
import type { NewRun } from '../../src/engine/create-run.ts'
import type { EngineOptions } from '../../src/engine/engine-options.ts'
import { getRun, listSteps } from '../../src/engine/runs.sql.ts'
import { artifactTrouble } from '../../src/flow/stored-trees.ts'
import { openTestDatabase, type DatabaseKind, type TestDatabase } from '../harness/databases.ts'

/** An engine over a real database and store, and an executor that runs words instead of programs. */
export interface EnginePlace extends AsyncDisposable {
  readonly database: TestDatabase['database']
  readonly store: Store
  readonly artifacts: TaskArtifacts
  readonly executor: Executor
  /** What was handed to the executor, in order. */
  readonly orders: AttemptOrder[]
  /** Attempts that were opened and closed, as `open id` and `close id`. */
  readonly openings: string[]
  readonly warnings: string[]
  /** Starts an engine; the one before must have been stopped. */
  start(options?: Partial<EngineOptions>): Promise<Engine>
  /** What engines here are started with. */
  options(): EngineOptions
  commit(files: Readonly<Record<string, string>>): Promise<Digest>
  create(engine: Engine, run: Partial<NewRun> & { readonly plan?: Plan }): Promise<RunRow>
  /** The run and its steps when it has ended. */
  untilEnded(runId: string): Promise<{ run: RunRow; steps: Record<string, StepRow> }>
  /** Asks until it answers something; the test's own time limit is the bound. */
  until<T>(ask: () => Promise<T | undefined | false>): Promise<T>
  events(runId: string): Promise<AppEvent[]>
}

export interface EnginePlaceOptions {
  /** Changes the executor that orders go to. */
  readonly wrap?: (executor: Executor) => Executor
  /** How the dummy executor sleeps; absent: in real time. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
  /** Somebody else's, who closes it; absent: an empty one. */
  readonly database?: TestDatabase
  /** Another executor than the dummy. */
  readonly open?: (place: { readonly folder: string }) => Executor
}

export async function openEnginePlace(kind: DatabaseKind, options: EnginePlaceOptions = {}): Promise<EnginePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-engine-'))
  const place = options.database ?? (await openTestDatabase(kind))
  const { database } = place
  const store = await openFolderStore(join(folder, 'store'))
  const artifacts = openArtifacts(store)
  const inner =
    options.open?.({ folder }) ??
    openDummyExecutor({ store, ...(options.sleep === undefined ? {} : { sleep: options.sleep }) })
  const executor = options.wrap?.(inner) ?? inner
  const orders: AttemptOrder[] = []
  const openings: string[] = []
  const warnings: string[] = []
  const engines: Engine[] = []
  let pushes = 0

  const recording: Executor = {
    ...executor,
    submit: (order, secrets, confirmed) => {
      orders.push(order)
      return executor.submit(order, secrets, confirmed)
    },
  }

  async function until<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
    for (;;) {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  const engineOptions: EngineOptions = {
    database,
    executors: new Map([['local', recording]]),
    dataFolder: folder,
    storeFolder: join(folder, 'store'),
    readTree: async (ref) => (await readTree(store, ref.digest)).files,
    readBytes: (digest) => artifacts.read(digest),
    putBytes: (bytes) => artifacts.putBytes(bytes),
    artifactTrouble: (ref) => artifactTrouble(store, ref),
    tasks: {},
    openStep: async ({ attempt }) => {
      openings.push(`open ${attempt.id}`)
      return { env: {}, secrets: {} }
    },
    closeStep: async ({ attempt }) => void openings.push(`close ${attempt.id}`),
    readResults: async () => ({}),
    writeResults: async () => [] as NewEvent[],
    log: {
      info: () => undefined,
      warn: (facts, event) => void warnings.push(`${event} ${describe(facts)}`),
      error: (facts, event) => void warnings.push(`${event} ${describe(facts)}`),
    },
  }

  const opened: EnginePlace = {
    database,
    store,
    artifacts,
    executor,
    orders,
    openings,
    warnings,
    until,
    options: () => engineOptions,
    async start(changes = {}) {
      const engine = createEngine({ ...engineOptions, ...changes })
      engines.push(engine)
      await engine.start()
      return engine
    },
    async commit(files) {
      const rows = await Promise.all(
        Object.entries(files).map(async ([path, text]) => {
          const { digest, size } = await artifacts.putBytes(text)
          return { path, digest, size, executable: false }
        }),
      )
      return (
        await putTree(
          store,
          rows.sort((a, b) => (a.path < b.path ? -1 : 1)),
        )
      ).digest
    },
    async create(engine, run) {
      pushes += 1
      const wanted: NewRun = {
        project: 'digits',
        commit: 'c0ffee',
        branch: 'main',
        event: 'push',
        title: 'a change',
        person: 'ana',
        authors: ['ana'],
        dedupeKey: `${folder} ${pushes}`,
        sourceTree: run.sourceTree ?? (await opened.commit({})),
        pipelineText: '',
        rules: {},
        problems: [],
        ...run,
      }
      return (await database.write((writer) => engine.createRun(writer, wanted))).run
    },
    async untilEnded(runId) {
      const run = await until(async () => {
        const row = await getRun(database.read, runId)
        return row !== undefined && isFinal(RUN_TRANSITIONS, row.state) && row
      })
      const steps = await listSteps(database.read, runId)
      return { run, steps: Object.fromEntries(steps.map((step) => [step.key, step])) }
    },
    async events(runId) {
      const events = await readEvents(database.read, 0, 10_000, { subjectPrefix: runId })
      return events.filter((event) => event.subject === runId || event.subject.startsWith(`${runId}/`))
    },
    async [Symbol.asyncDispose]() {
      for (const engine of engines) await engine.stop()
      await executor[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      if (options.database === undefined) await place[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return opened
}

function describe(facts: object): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${value instanceof Error ? value.message : String(value)}`)
    .join(' ')
}

/** A plan of commands. A step's text is for the dummy executor. */
export function planOf(...steps: readonly PlanStep[]): Plan {
  return { version: 1, steps }
}

export function command(
  key: string,
  run: string,
  changes: Partial<PlanStep> & { env?: Record<string, string> } = {},
): PlanStep {
  const { env = {}, ...rest } = changes
  return {
    key,
    stage: 'train',
    needs: [],
    uses: [],
    work: { kind: 'command', run, env, secrets: [] },
    params: [],
    outs: [],
    metrics: [],
    reports: {},
    cache: rest.deps !== undefined,
    runsOn: 'local',
    resources: { cpus: 1, gpus: 0 },
    timeoutMs: 60_000,
    retry: { on: ['executor-lost'], limit: 1 },
    ...rest,
  }
}

export function needs(...steps: readonly string[]): PlanStep['needs'] {
  return steps.map((step) => ({ step, optional: false, data: false }))
}

/** Needs that come from a dep which is the other step's out. */
export function reads(...steps: readonly string[]): PlanStep['needs'] {
  return steps.map((step) => ({ step, optional: false, data: true }))
}
