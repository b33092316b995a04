import { accessSync, constants, existsSync, mkdirSync, realpathSync } from 'node:fs'
import { userInfo } from 'node:os'
import { basename, join, relative } from 'node:path'
import { openArtifacts } from './artifacts/open-artifacts.ts'
import { putTree } from './artifacts/put.ts'
import { snapshotFiles } from './artifacts/stat-index.ts'
import { holdLock } from './lib/hold-lock.ts'
import { planWorkingTree, type PlannedTree } from './cli/local/plan-working-tree.ts'
import { committedAt, type WorkingTree } from './cli/local/working-tree.ts'
import { ATTEMPT_FILES } from './core/attempt-files.ts'
import { LOCAL_DATASETS } from './core/dataset-settings.ts'
import type { Champion } from './core/champion.ts'
import { AppError, isAppError } from './core/errors.ts'
import type { AppEvent } from './core/events.ts'
import type { Plan, PlanStep } from './core/plan.ts'
import type { Store } from './core/ports/store.ts'
import type { Problem } from './core/problem.ts'
import type { RunState } from './core/run-state.ts'
import { openDatabase, type Database } from './db/open-database.ts'
import { followEvents, newestEventId } from './db/outbox.ts'
import type { RunRow, StepRow } from './db/tables.ts'
import { openLocalExecutor } from './drivers/executor/local/local-executor.ts'
import { openFolderStore } from './drivers/store/folder/folder-store.ts'
import { attemptPlace } from './engine/attempt-place.ts'
import type { NewRun } from './engine/create-run.ts'
import type { AttemptContext, StepContext, StepOpening } from './engine/engine-options.ts'
import { createEngine, type Engine } from './engine/engine.ts'
import { getRun, listActiveRuns, listSteps } from './engine/runs.sql.ts'
import type { MarginEvidence } from './evaluation/margin-evidence.ts'
import { buildDate } from './flow/build-date.ts'
import { openLocalEndpoints, type LocalEndpoints } from './flow/local-endpoints.ts'
import type { RemoteDataset } from './flow/fetch-dataset.ts'
import { knownDataset, knownPushed, type Frozen } from './flow/frozen-datasets.ts'
import type { DeliveryRules } from './flow/plan-commit.ts'
import type { RemoteChampion } from './flow/fetch-champion.ts'
import { rulesOfRun } from './flow/run-rules.ts'
import { readResults, writeResults } from './flow/run-results.ts'
import { closeStep, openTask, taskSecrets, openForStep } from './flow/step-opening.ts'
import { createMasker } from './supervisor/mask.ts'
import { artifactTrouble, filesOf, sourceFilesOf } from './flow/stored-trees.ts'
import { NO_CHAMPION, taskBindings } from './flow/task-bindings.ts'
import { writeOuts } from './flow/write-outs.ts'
import { appendLog } from './lib/append-log.ts'
import { sha256 } from './lib/sha256.ts'
import { uuidv7 } from './lib/uuidv7.ts'
import { failedTests } from './reports/test-results.sql.ts'

export interface LocalRunRequest {
  /** Holds the pipeline file. */
  readonly tree: WorkingTree
  readonly dataFolder: string
  /** Only these, and what they read. Empty: all. */
  readonly steps: readonly string[]
  /** Freeze datasets anew, instead of using those frozen last. */
  readonly refreshData: boolean
  /** Where to put what the steps have made; absent: it stays in the store. */
  readonly outsFolder?: string
  /** What gates against the champion compare with, for the last environment's name; asked only where there is such a gate. */
  readonly champion?: (environment: string) => Promise<RemoteChampion | string>
  /** What was pushed to datasets `from: store`; asked only for these. */
  readonly dataset?: (path: string) => Promise<RemoteDataset | string>
  /** Where secrets are looked up by their names. */
  readonly environment: NodeJS.ProcessEnv
  readonly watch: LocalRunWatch
}

/** Told what happens, as it happens. */
export interface LocalRunWatch {
  /** Another run of this folder is under way, and this one begins when it has ended. */
  waiting(): void
  planned(plan: Plan, problems: readonly Problem[]): void
  happened(event: AppEvent, facts: LocalFacts): Promise<void>
  /** Of a dataset that comes from a server: so many of its bytes are here. */
  fetching(path: string, receivedBytes: number, totalBytes: number): void
}

type FailedTests = Awaited<ReturnType<typeof failedTests>>

/** What somebody who watches may ask. */
export interface LocalFacts {
  failedTests(step: string): Promise<FailedTests>
  /** Of an attempt: its log, and its files while these are kept. */
  placeOf(step: string, attempt: number): { readonly log: string; readonly workspace: string }
}

export interface LocalRunResult {
  readonly state: RunState
  readonly reason: string | null
  readonly seconds: number
  readonly problems: readonly Problem[]
  readonly steps: readonly StepRow[]
  readonly failures: FailedTests
  /** Paths below the folder for outs. */
  readonly written: readonly string[]
}

/**
 * A run of a working folder without a server: the server's engine, tasks and cache keys over a database of
 * the folder's own, `<data>/local/<hash>.db`. Content and build environments are shared with the machine's
 * server. `signal` cancels: everything is dead when this returns.
 */
export async function runLocally(request: LocalRunRequest, signal: AbortSignal): Promise<LocalRunResult> {
  const startedAt = performance.now()
  await using opened = new AsyncDisposableStack()
  refuseOwnFolder(request)
  if (request.outsFolder !== undefined) makeOutsFolder(request.outsFolder)
  const { tree } = request
  const place = placeOf({ folder: tree.folder, dataFolder: request.dataFolder })
  // A server of root's lets other users pass through the data folder; below it is what is ours alone.
  mkdirSync(request.dataFolder, { recursive: true, mode: 0o711 })
  mkdirSync(place.own, { recursive: true, mode: 0o700 })
  opened.use(await holdLock(join(place.own, 'lock'), signal, () => request.watch.waiting()))
  const store = opened.use(await openFolderStore(place.storeFolder))
  const planned = planWorkingTree(tree, request.steps)
  const { plan, problems } = planned
  if (plan === undefined) {
    return { state: 'invalid', reason: null, seconds: 0, problems, steps: [], failures: [], written: [] }
  }
  request.watch.planned(plan, problems)
  const sourceTree = await snapshot(store, place, tree)
  const database = opened.use(await openDatabase(`sqlite:${place.database}`))
  const engine = openEngine(request, place, { database, store, opened, signal })
  await cancelLeft(database, engine)
  const run = await follow(
    request,
    place,
    { database, engine, run: newRun(request, tree, planned, sourceTree) },
    signal,
  )
  const steps = await listSteps(database.read, run.id)
  const { outsFolder } = request
  return {
    state: run.state,
    reason: run.reason,
    seconds: Math.round(performance.now() - startedAt) / 1_000,
    problems,
    steps,
    failures: await failedTests(database.read, run.id),
    written: outsFolder === undefined ? [] : await writeOuts(openArtifacts(store), steps, outsFolder),
  }
}

/** Outs replace what stands in their place, and there these may be a person's only copies. */
function refuseOwnFolder({ tree, outsFolder }: LocalRunRequest): void {
  if (outsFolder === undefined || relative(outsFolder, tree.folder).startsWith('..')) return
  throw new AppError(
    'INVALID_INPUT',
    `${outsFolder} holds the files that run: name another folder for --outs, such as /tmp/outs or one that git ignores.`,
  )
}

/** Before anything runs: what a night of training made could not be put there. */
function makeOutsFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
  } catch (error) {
    const why = (error as Error).message
    throw new AppError(
      'INVALID_INPUT',
      `--outs: ${folder} is no folder that can be written: ${why}`,
      {},
      { cause: error },
    )
  }
}

/** What the rows of the folder's last local evaluation support; undefined where none is known. */
export async function localMargins(folder: string, dataFolder: string): Promise<MarginEvidence | undefined> {
  const { database: file } = placeOf({ folder, dataFolder })
  if (!existsSync(file)) return undefined
  const { lastMargins } = await import('./evaluation/margin-evidence.ts')
  await using database = await openDatabase(`sqlite:${file}`)
  return await lastMargins(database.read)
}

interface Place {
  readonly dataFolder: string
  readonly storeFolder: string
  readonly database: string
  /** Attempts, workspaces and the rest that is this folder's alone. */
  readonly own: string
}

export function placeOf({ folder, dataFolder }: { readonly folder: string; readonly dataFolder: string }): Place {
  const name = sha256(realpathSync(folder)).replace('sha256:', '').slice(0, 20)
  const own = join(dataFolder, 'local', name)
  return { dataFolder, storeFolder: join(dataFolder, 'store'), database: `${own}.db`, own }
}

export async function snapshot(store: Store, place: Place, tree: WorkingTree): Promise<NewRun['sourceTree']> {
  const files = await snapshotFiles(store, join(place.own, 'stat-index.json'), tree.folder, tree.files)
  return (await putTree(store, files)).digest
}

interface Opened {
  readonly database: Database
  readonly store: Store
  readonly opened: AsyncDisposableStack
  readonly signal: AbortSignal
}

function openEngine(request: LocalRunRequest, place: Place, { database, store, opened, signal }: Opened): Engine {
  const artifacts = openArtifacts(store)
  const log = appendLog(join(place.own, 'engine.log'))
  const needs = { database, artifacts, dataFolder: place.own, log }
  const endpoints = opened.use(openLocalEndpoints(needs))
  const executor = opened.use(openLocalExecutor({ folder: join(place.own, 'executor'), spares: 0 }))
  const resultNeeds = {
    artifacts,
    database,
    dataFolder: place.own,
    sourceFiles: (run: Pick<RunRow, 'source_tree'>) => sourceFilesOf(store, run),
    changeOf: () => Promise.resolve(undefined),
    async maskOf({ step }: StepContext) {
      const names = step.work.kind === 'command' ? step.work.secrets : []
      const masker = createMasker(names.map((name) => request.environment[name] ?? ''))
      return (text: string) => masker.text(text)
    },
  }
  const engine = createEngine({
    database,
    dataFolder: place.own,
    taskFolder: place.dataFolder,
    storeFolder: place.storeFolder,
    executors: new Map([['local', executor]]),
    readTree: (ref) => filesOf(store, ref),
    readBytes: (digest) => artifacts.read(digest),
    putBytes: (bytes) => artifacts.putBytes(bytes),
    artifactTrouble: (ref) => artifactTrouble(store, ref),
    known: async (context) =>
      (await knownPushed(context, (path) => bringDataset(request, store, path, signal))) ??
      knownDataset(database.read, context),
    tasks: taskBindings({ ...needs, champion: (run) => findChampion(request, store, run) }),
    openStep: (context) => openStep(request, endpoints, context),
    closeStep: (context) => closeStep(endpoints, context),
    readResults: (context, record) => readResults(resultNeeds, context, record),
    writeResults,
    log,
  })
  opened.defer(() => engine.stop())
  return engine
}

/** A server's, brought here by digest; a text says why there is none to compare with. */
async function findChampion({ champion }: LocalRunRequest, store: Store, run: RunRow): Promise<Champion | string> {
  const rules = rulesOfRun(run)
  const last = rules?.environments.at(-1)?.name
  if (
    champion === undefined ||
    rules === undefined ||
    last === undefined ||
    !rules.gates.some(({ kind }) => kind === 'champion')
  )
    return NO_CHAMPION
  const found = await champion(last)
  if (typeof found === 'string') return found
  const { fetchChampion } = await import('./flow/fetch-champion.ts')
  try {
    await fetchChampion(store, found)
  } catch (error) {
    if (!isAppError(error)) throw error
    return `the champion (version ${found.version}) could not be fetched: ${error.message}`
  }
  const { version, bundle, manifest, answers } = found
  return { version, bundle, manifest, ...(answers === undefined ? {} : { answers }) }
}

/** Asked in every run: what somebody pushed meanwhile is what the server's runs use, too. */
async function bringDataset(
  { dataset, watch }: LocalRunRequest,
  store: Store,
  path: string,
  signal: AbortSignal,
): Promise<Frozen> {
  const found = dataset === undefined ? 'no server was asked for it' : await dataset(path)
  if (typeof found === 'string') {
    throw new AppError(
      'NOT_FOUND',
      `${path} is what was pushed to a server (\`from: store\`), and ${found.replace(/\.$/, '')}.`,
    )
  }
  const { fetchDataset } = await import('./flow/fetch-dataset.ts')
  await fetchDataset(store, found, { signal, progress: (received, total) => watch.fetching(path, received, total) })
  return found
}

/** Secrets are what the person has in the environment under the same names. */
async function openStep(
  { environment, tree }: LocalRunRequest,
  endpoints: LocalEndpoints,
  context: AttemptContext,
): Promise<StepOpening> {
  const date = await buildDate(context.step, () => committedAt(tree.folder))
  const own = ownOpening(environment, context.step)
  const candidate = await openForStep(endpoints.routes, context)
  return { env: { ...own.env, ...date, ...candidate.env }, secrets: { ...own.secrets, ...candidate.secrets } }
}

function ownOpening(environment: NodeJS.ProcessEnv, step: PlanStep): StepOpening {
  const { work } = step
  const names = work.kind === 'task' ? taskSecrets(work) : work.secrets
  const secrets = Object.fromEntries(names.map((name) => [name, secretOf(environment, name, step)]))
  return work.kind === 'task' ? openTask(work, secrets, LOCAL_DATASETS, environment) : { env: {}, secrets }
}

function secretOf(environment: NodeJS.ProcessEnv, name: string, step: PlanStep): string {
  const value = environment[name]
  if (value !== undefined) return value
  throw new AppError(
    'INVALID_INPUT',
    `Step ${step.key} asks for the secret ${name}. Here secrets are taken from your own environment: \`export ${name}=…\`, then run again.`,
  )
}

/** Of a `tidegate run` that was killed: its processes may live, and nobody waits for them. */
async function cancelLeft(database: Database, engine: Engine): Promise<void> {
  for (const { id, state } of await listActiveRuns(database.read)) {
    if (state !== 'cancelling') await engine.cancel(id, 'the next `tidegate run`', 'now')
  }
}

export function newRun(
  request: Pick<LocalRunRequest, 'refreshData'>,
  tree: WorkingTree,
  planned: PlannedTree,
  sourceTree: NewRun['sourceTree'],
): NewRun {
  const { name, pipeline, plan } = planned
  if (pipeline === undefined || plan === undefined) throw new Error('an invalid pipeline cannot run')
  const rules: DeliveryRules = {
    model: name,
    gates: pipeline.gates,
    environments: pipeline.environments,
    notify: pipeline.notify,
    refreshData: request.refreshData,
    from: 'this-change',
  }
  const person = userName()
  return {
    project: name,
    commit: tree.commit,
    branch: tree.branch,
    event: 'local',
    title: `${basename(tree.folder)} as it is`,
    person,
    authors: [person],
    dedupeKey: `local:${uuidv7()}`,
    sourceTree,
    pipelineText: planned.text,
    plan,
    rules,
    problems: planned.problems,
  }
}

interface Started {
  readonly database: Database
  readonly engine: Engine
  readonly run: NewRun
}

/** Returns when the run has ended, and what was left of others too. */
async function follow(
  { watch }: LocalRunRequest,
  place: Place,
  { database, engine, run: wanted }: Started,
  signal: AbortSignal,
): Promise<RunRow> {
  const after = await newestEventId(database.read)
  const { run } = await database.write((writer) => engine.createRun(writer, wanted))
  const cancel = () => {
    engine.cancel(run.id, 'you', 'now').catch((error: unknown) => {
      // It ended in the same moment.
      if (!isAppError(error, 'STATE_CONFLICT')) throw error
    })
  }
  signal.addEventListener('abort', cancel)
  const ended = new AbortController()
  const watching = show(watch, factsOf(database, place, run), { database, run, after }, ended)
  await engine.start()
  if (signal.aborted) cancel()
  await watching
  signal.removeEventListener('abort', cancel)
  const done = await getRun(database.read, run.id)
  if (done === undefined) throw new Error(`run ${run.id} is gone`)
  return done
}

/** Somebody waits at the prompt for the last of them. */
const PACE_MS = 10

async function show(
  watch: LocalRunWatch,
  facts: LocalFacts,
  { database, run, after }: { database: Database; run: RunRow; after: number },
  ended: AbortController,
): Promise<void> {
  const open = new Set((await listActiveRuns(database.read)).map(({ id }) => id))
  for await (const event of followEvents(database, after, ended.signal, {}, PACE_MS)) {
    if (event.kind === 'run.ended') open.delete(event.subject)
    if (event.subject === run.id || event.subject.startsWith(`${run.id}/`)) await watch.happened(event, facts)
    if (open.size === 0) return
  }
}

function factsOf(database: Database, place: Place, run: RunRow): LocalFacts {
  return {
    failedTests: async (step) => (await failedTests(database.read, run.id)).filter((test) => test.step === step),
    placeOf(step, attempt) {
      const { folder, workspace } = attemptPlace(place.own, run, step, attempt)
      return { log: join(folder, ATTEMPT_FILES.log), workspace }
    },
  }
}

/** Containers often run as a user id that no passwd entry names. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `user-${process.getuid?.() ?? 0}`
  }
}
