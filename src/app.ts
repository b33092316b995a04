import { access, chmod, constants, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import { ensureAdministrator } from './access/ensure-administrator.ts'
import { requireRole } from './access/require-role.ts'
import { finishRotation } from './access/rotate-key.ts'
import { keepRunTokens } from './access/run-tokens.ts'
import { knownSecrets } from './access/secrets.ts'
import { openSecretsKeys } from './access/secrets-key.ts'
import { authenticate, revokeRunTokens } from './access/tokens.ts'
import { openArtifacts } from './artifacts/open-artifacts.ts'
import type { ServerConfig } from './cli/local/server-config.ts'
import { AppError } from './core/errors.ts'
import { NO_DATASETS } from './core/dataset-settings.ts'
import { MACHINE_SETTINGS } from './core/tool-settings.ts'
import { STEP_EVENTS, type AppEvent } from './core/events.ts'
import type { Identity } from './core/identity.ts'
import type { Role } from './core/roles.ts'
import { consumeEvents, hasHappened } from './db/outbox.ts'
import type { RunRow } from './db/tables.ts'
import { openDatabase, type Database, type Reader } from './db/open-database.ts'
import { takeDatabase } from './db/take-database.ts'
import { runDelivery } from './delivery/delivery-loop.ts'
import { EXECUTORS } from './drivers/executor/executors.ts'
import { NOTIFIERS } from './drivers/notifier/notifiers.ts'
import { STORES } from './drivers/store/stores.ts'
import type { StepContext } from './engine/engine-options.ts'
import { createEngine } from './engine/engine.ts'
import { getRun } from './engine/runs.sql.ts'
import { actOnAlert } from './flow/alert-to-run.ts'
import { knownDataset } from './flow/frozen-datasets.ts'
import { createRouteKeeper } from './flow/deployment-to-traffic.ts'
import { authorizeGit, refusalOfPush } from './flow/git-rights.ts'
import type { Installation, Log } from './flow/installation.ts'
import { applyToolSettings } from './flow/apply-tool-settings.ts'
import { collectRegularly } from './flow/collect-regularly.ts'
import { keepGoing } from './flow/keep-going.ts'
import { notifyPeople } from './flow/notify-people.ts'
import { pushProgress } from './flow/push-progress.ts'
import { sweepEndpoints } from './flow/sweep-endpoints.ts'
import { runPushes } from './flow/push-to-run.ts'
import { changeOfRun } from './flow/change-of-run.ts'
import { readResults, writeResults } from './flow/run-results.ts'
import { rulesOfRun } from './flow/run-rules.ts'
import { readSchedules, runSchedules } from './flow/schedule-to-run.ts'
import { closeStep, openStep } from './flow/step-opening.ts'
import { chooseSandbox } from './flow/choose-sandbox.ts'
import { createStepUsers } from './flow/step-users.ts'
import { mendSource } from './flow/mend-source.ts'
import { artifactTrouble, filesOf, sourceFilesOf } from './flow/stored-trees.ts'
import { taskBindings } from './flow/task-bindings.ts'
import { createTraffic } from './flow/traffic.ts'
import { deliverOnward } from './flow/version-to-deployment.ts'
import { watchProduction } from './flow/watch-production.ts'
import { createApiApp } from './http/api-app.ts'
import { createPage } from './http/page.ts'
import { allHandlers } from './http/routes/all-handlers.ts'
import { serveHttp } from './http/server.ts'
import { isSameProcess, readProcess } from './lib/processes.ts'
import { openLineFile } from './lib/line-file.ts'
import { openAnalytics } from './lib/open-analytics.ts'
import { packageFile } from './lib/own-files.ts'
import { startGateway } from './serving/gateway-process.ts'
import { createGitServer } from './source/git-server.ts'
import { findProject, getProject, projectWeights } from './source/projects.ts'
import { reconcilePushes } from './source/reconcile-pushes.ts'
import { createMasker } from './supervisor/mask.ts'

const JOURNAL_LOOK_MS = 30_000

/** A running server. Disposing it stops it in reverse; running attempts go on and are found by the next one. */
export interface Server extends AsyncDisposable {
  readonly address: string
  readonly gatewayAddress: string
  /** `<data>/admin-token`, when this was the first start. */
  readonly adminTokenFile: string | undefined
  /** Ends the gateway too: predictions stop. */
  stopGateway(): Promise<void>
}

/** The composition root: configuration → drivers → parts → flow → http. */
export async function startServer(config: ServerConfig): Promise<Server> {
  await using starting = new AsyncDisposableStack()
  const { dataFolder } = config
  await closeDataFolder(dataFolder)
  starting.use(await lockDataFolder(dataFolder))
  const log = pino({ base: null }, openLineFile(join(dataFolder, 'server.log'), describeLostLines))
  const database = starting.use(await openDatabase(config.databaseUrl))
  starting.use(await takeDatabase(config.databaseUrl, (error) => endOurselves(log, error)))
  const storeFolder = join(dataFolder, 'store')
  const store = starting.use(await STORES.folder(storeFolder))
  const artifacts = openArtifacts(store)
  const secretsKeys = await openSecretsKeys(dataFolder)
  await finishRotation(database, dataFolder, secretsKeys)
  const administrator = await ensureAdministrator(database, dataFolder)
  const stopping = new AbortController()
  const gateway = starting.use(
    await startGateway({ folder: join(dataFolder, 'gateway'), host: config.host, port: config.gatewayPort }),
  )
  // A gateway that was started by a server that then does not come up would serve nobody and hold its port.
  let isUp = false
  starting.defer(async () => {
    if (!isUp && gateway.isOwn) await gateway.stop()
  })
  const routes = createRouteKeeper({ database, dataFolder, artifacts, gateway, log })
  const place = { address: '' }
  const publicUrl = () => config.publicUrl?.replace(/\/$/, '') ?? place.address
  const needs = {
    database,
    dataFolder,
    store,
    artifacts,
    routes,
    gateway,
    secretsKeys,
    datasets: config.datasets ?? NO_DATASETS,
    // Read at each use, as the variables of a process can change.
    get environment() {
      return applyToolSettings(process.env, config.tools ?? MACHINE_SETTINGS)
    },
    keep: config.keep,
    log,
    get publicUrl() {
      return publicUrl()
    },
  }
  const local = starting.use(EXECUTORS.local({ folder: join(dataFolder, 'executor'), spares: 1 }))
  const users = createStepUsers(config.firstUser, await local.listOwned())
  const resultNeeds = {
    artifacts,
    database,
    dataFolder,
    sourceFiles: (run: Pick<RunRow, 'source_tree'>) => sourceFilesOf(store, run),
    changeOf: (run: RunRow) => changeOfRun({ database, dataFolder }, run),
    async maskOf({ run, step }: StepContext) {
      const names = step.work.kind === 'command' ? step.work.secrets : []
      const masker = createMasker(await knownSecrets(database.read, secretsKeys, run.project, names))
      return (text: string) => masker.text(text)
    },
  }
  const runToken = keepRunTokens(database)
  const engine = createEngine({
    database,
    dataFolder,
    storeFolder,
    executors: new Map([['local', config.cpus === undefined ? local : limitCpus(local, config.cpus)]]),
    readTree: (ref) => filesOf(store, ref),
    readBytes: (digest) => artifacts.read(digest),
    putBytes: (bytes) => artifacts.putBytes(bytes),
    mendSource: (run) => mendSource({ database, dataFolder, store }, run),
    artifactTrouble: (ref) => artifactTrouble(store, ref),
    tasks: taskBindings(needs),
    known: (context) => knownDataset(database.read, context),
    openStep: (context) => openStep(needs, context, runToken),
    async closeStep(context) {
      await closeStep(needs, context)
      // Somebody may go on as this user.
      if (context.run.debug === 0) users.free(context.attempt.id)
    },
    weights: () => projectWeights(database.read),
    readResults: (context, record) => readResults(resultNeeds, context, record),
    writeResults,
    ...(process.getuid?.() === 0 ? { runAs: (attemptId: string) => users.take(attemptId) } : {}),
    sandbox: await chooseSandbox(config.sandbox ?? 'off', config.firstUser),
    ...(config.logLimitBytes === undefined ? {} : { logLimitBytes: config.logLimitBytes }),
    log,
  })
  const installation: Installation = Object.assign(needs, { engine })

  await reconcilePushes(database, dataFolder)
  const swept = await sweepEndpoints({ database, dataFolder })
  if (swept > 0) log.info({ swept }, 'private endpoints closed that a killed server left')
  await routes.apply()
  await engine.start()
  starting.defer(() => engine.stop())
  const analytics = starting.use(await openAnalytics())
  const isLastPlace = (row: { run_id: string; position: number }) => isLast(installation, row)
  const delivery = { database, traffic: createTraffic(installation, analytics), log, isLast: isLastPlace }
  const onError = (error: unknown, event: AppEvent) =>
    log.error({ error: String(error), event: event.id, kind: event.kind }, 'event not handled, will be tried again')
  const consumer = (name: string, handle: (event: AppEvent) => Promise<void>) => () =>
    consumeEvents(database, { name, except: STEP_EVENTS, handle, onError }, signal)
  const { signal } = stopping
  const loops = Object.entries({
    pushes: () => runPushes(installation, signal),
    'push journal': () => recordLatePushes(database, dataFolder, signal),
    schedules: () => runSchedules(installation, signal),
    delivery: () => runDelivery(delivery, signal),
    monitoring: () => watchProduction(installation, analytics, signal),
    garbage: () => collectRegularly(installation, signal),
    notifications: consumer('notify', (event) => notifyPeople(installation, NOTIFIERS.webhook, event)),
    flow: consumer('flow', (event) => onEvent(installation, event)),
  }).map(([name, loop]) => keepGoing(name, loop, log, signal))
  starting.defer(async () => {
    stopping.abort()
    await Promise.all(loops)
  })

  const git = starting.use(
    await createGitServer({
      database,
      dataFolder,
      authorize: (token, repository, access) => authorizeGit(installation, token, repository, access),
      refusal: (push) => refusalOfPush(installation, push),
      progress: (push, signal) => pushProgress(needs, push, AbortSignal.any([signal, stopping.signal])),
      onError: (error, repository) => log.error({ error: String(error), repository }, 'git request failed'),
    }),
  )
  const api = createApiApp({
    handlers: allHandlers(installation),
    authenticate: (token) => authenticate(database, token),
    requireRole: (identity, project, role, run) => requireRoleOrOwnRun(database.read, identity, { project, role, run }),
    async requireProject(project, use) {
      if ((await findProject(database.read, project)) !== undefined) return
      if (use === 'look' && (await hasHappened(database.read, 'project.removed', project))) return
      await getProject(database.read, project)
    },
    onBug: (error, operation) =>
      log.error({ operation, error: error instanceof Error ? error.stack : String(error) }, 'bug'),
    signal: stopping.signal,
  })
  const http = starting.use(
    await serveHttp({
      host: config.host,
      port: config.port,
      api,
      git,
      page: createPage(packageFile('web/dist')),
      onError: (error, url) => log.warn({ error: String(error), url }, 'request ended early'),
    }),
  )
  place.address = http.address
  starting.defer(() => stopping.abort())
  await announce(dataFolder, { address: http.address, gateway: gateway.address, pid: process.pid })
  log.info({ address: http.address, gateway: gateway.address }, 'server is up')

  isUp = true
  const running = starting.move()
  return {
    address: http.address,
    gatewayAddress: gateway.address,
    adminTokenFile: administrator.created ? administrator.tokenFile : undefined,
    stopGateway: () => gateway.stop(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

const PRIVATE_FOLDERS = [
  'attempts',
  'executor',
  'gateway',
  'hooks',
  'keys',
  'predictions',
  'pushes',
  'references',
  'repositories',
  'sources',
  'store',
  'uploads',
]

function describeLostLines(lines: number): string {
  const msg = `${lines} ${lines === 1 ? 'line' : 'lines'} of this log could not be written: the disk was full, or refused`
  return `${JSON.stringify({ level: pino.levels.values['warn'], time: Date.now(), msg })}\n`
}

/**
 * Steps that run as another user pass through the data folder to their workspaces and build environments,
 * and programs of bundles to their own; everything else in it is closed to them, whatever made it and with which mode.
 */
async function closeDataFolder(dataFolder: string): Promise<void> {
  await mkdir(dataFolder, { recursive: true, mode: 0o711 })
  // Before folders are made in it: what making one says about a read-only disk is that it is not there.
  await access(dataFolder, constants.W_OK)
  for (const name of PRIVATE_FOLDERS) {
    await mkdir(join(dataFolder, name), { recursive: true, mode: 0o700 })
    await chmod(join(dataFolder, name), 0o700)
  }
}

/** Two servers on one data folder would each believe in their own queue. */
async function lockDataFolder(dataFolder: string): Promise<AsyncDisposable> {
  const file = join(dataFolder, 'server.lock')
  const known = await readFile(file, 'utf8').catch(() => undefined)
  if (known !== undefined && known !== '') {
    const owner = ownerIn(known)
    if (owner !== undefined && owner.pid !== process.pid && isSameProcess(owner)) {
      throw new AppError(
        'DATA_IN_USE',
        `Another tidegate (process ${owner.pid}) uses ${dataFolder}. Stop it, or name another folder with --data.`,
      )
    }
    await rm(file, { force: true })
  }
  const handle = await open(file, 'wx', 0o600).catch((error: unknown) => {
    throw new AppError(
      'DATA_IN_USE',
      `Another tidegate has just taken ${dataFolder}. Stop it, or name another folder with --data.`,
      {},
      { cause: error },
    )
  })
  await handle.writeFile(JSON.stringify({ pid: process.pid, startTicks: readProcess(process.pid)?.startTicks ?? '' }))
  await handle.close()
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) }
}

/** Undefined for half a file, which a server leaves that died while it took the folder. */
function ownerIn(text: string): { pid: number; startTicks: string } | undefined {
  try {
    return JSON.parse(text) as { pid: number; startTicks: string }
  } catch {
    return undefined
  }
}

/** In order, as when somebody asks for it. */
function endOurselves(log: Log, error: unknown): void {
  log.error({ error: String(error) }, 'another server has taken the database, so this one ends')
  process.kill(process.pid, 'SIGTERM')
}

async function announce(dataFolder: string, facts: { address: string; gateway: string; pid: number }): Promise<void> {
  await writeFile(join(dataFolder, 'server.json'), `${JSON.stringify(facts, null, 2)}\n`)
}

function limitCpus(executor: ReturnType<typeof EXECUTORS.local>, cpus: number): ReturnType<typeof EXECUTORS.local> {
  return { ...executor, probe: async () => ({ ...(await executor.probe()), cpus }) }
}

async function isLast({ database }: Installation, row: { run_id: string; position: number }): Promise<boolean> {
  const run = await getRun(database.read, row.run_id)
  return run !== undefined && (rulesOfRun(run)?.environments.length ?? 0) === row.position + 1
}

/** What one part says and another acts upon. Handlers are idempotent: an event may come twice. */
async function onEvent(installation: Installation, event: AppEvent): Promise<void> {
  await deliverOnward(installation, event)
  if (event.kind === 'push.received' && event.project !== null) {
    await readSchedules(installation, event.project, Date.now())
  }
  if (event.kind === 'alert.fired') await actOnAlert(installation, event)
  if (event.kind === 'deployment.moved') await installation.routes.apply()
  if (event.kind === 'run.ended') await installation.database.write((writer) => revokeRunTokens(writer, event.subject))
}

/** A push whose rows could not be written (the database was away) stands in the journal until somebody looks. */
async function recordLatePushes(database: Database, dataFolder: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(JOURNAL_LOOK_MS, undefined, { signal })
    await reconcilePushes(database, dataFolder)
  }
}

/** A step's own token has no role; it may look at its own run and nothing else. */
async function requireRoleOrOwnRun(
  reader: Reader,
  identity: Identity,
  asked: { project: string; role: Role; run: string | undefined },
): Promise<void> {
  if (identity.runId !== undefined && identity.runId === asked.run && asked.role === 'viewer') return
  await requireRole(reader, identity, asked.project, asked.role)
}
