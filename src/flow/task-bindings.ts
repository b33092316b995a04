import type { NewEvent } from '../core/events.ts'
import type { TaskName } from '../core/plan.ts'
import { reach } from '../core/points.ts'
import { latestDataset, listDatasets } from '../build/datasets.sql.ts'
import type { BuildEnvironmentResult } from '../build/build-environment.ts'
import type { BuildImageResult } from '../build/build-image.ts'
import { RESOLVER_RULES } from '../build/kept-lock.ts'
import { environmentTrouble } from '../build/environment-marker.ts'
import type { Finding } from '../build/find-findings.ts'
import { recordFindings } from '../build/findings.sql.ts'
import type { FreezeDatasetResult } from '../build/freeze-dataset.ts'
import { howToPushAgain } from '../build/how-to-push-again.ts'
import type { Reader, Writer } from '../db/open-database.ts'
import type { PrepareContext, SettleContext, StepContext, TaskBinding } from '../engine/engine-options.ts'
import { getRun } from '../engine/runs.sql.ts'
import { listGates, listWaivers, recordGates } from '../evaluation/gates.sql.ts'
import type { GateOutput } from '../evaluation/gate.ts'
import { findReport, recordReport } from '../evaluation/reports.sql.ts'
import type { EvaluationResult } from '../evaluation/evaluation-result.ts'
import { measuredBy } from '../pipeline/checks.ts'
import { defined } from '../pipeline/keys/scalars.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import { IMAGE_KEY, PACKAGE_KEY, WHEEL_FOLDER } from '../pipeline/task-keys.ts'
import type { Image, VersionLineage, Wheel } from '../registry/lineage.ts'
import { registerVersion } from '../registry/versions.sql.ts'
import { countTests } from '../reports/tested-steps.sql.ts'
import type { TaskArtifacts, TaskOutput } from '../core/task.ts'
import type { Champion } from '../core/champion.ts'
import type { RunRow } from '../db/tables.ts'
import { measuresLatency } from './asks-candidate.ts'
import { championOf } from './champion.ts'
import { hostEnvironment, hostEnvironmentOfRun } from './environment-of-run.ts'
import type { Installation } from './installation.ts'
import { prepareDataset, settleDataset } from './frozen-datasets.ts'
import { runFacts } from './run-facts.ts'
import { rulesOfRun } from './run-rules.ts'
import type { MadeBundle } from './version-of-run.ts'

type Needs = Pick<Installation, 'database' | 'dataFolder' | 'artifacts'> & {
  /** What candidates are compared with, or why there is nothing; default: what serves the run's last environment here. */
  readonly champion?: (run: RunRow) => Promise<Champion | string>
}

export const NO_CHAMPION = 'there is no champion yet to compare with'

/** The database's half of each task: what it is told before it starts, and what is written when it has ended. */
export function taskBindings(needs: Needs): Record<TaskName, TaskBinding> {
  const { read } = needs.database
  return {
    'build-environment': { version: RESOLVER_RULES, missing: (output) => environmentMissing(output) },
    'build-image': { version: 1 },
    'check-sources': {
      version: 3,
      prepare: (context) => Promise.resolve(withProvided(context)),
      settle: settleFindings,
    },
    'freeze-dataset': {
      version: 1,
      prepare: (context) => prepareDataset(needs, context),
      remedy: (project, input) => howToPushAgain(project, input as TaskInputs['freeze-dataset']),
      settle: settleDataset,
    },
    'check-datasets': { version: 1, prepare: (context) => prepareCheck(read, context) },
    'make-bundle': { version: 2, prepare: (context) => Promise.resolve(prepareBundle(context)) },
    evaluate: { version: 5, prepare: (context) => prepareEvaluation(needs, context) },
    gate: {
      version: 1,
      prepare: (context) => prepareGates(read, context),
      settle: (writer, context) => settleGates(needs, writer, context),
    },
    register: {
      version: 1,
      prepare: (context) => prepareRegistration(needs, context),
      settle: (writer, context) => settleRegistration(needs, writer, context),
    },
  }
}

/** The plan's own input of a task step. */
function inputOf<Name extends TaskName>(context: StepContext, name: Name): TaskInputs[Name] {
  const { work } = context.step
  if (work.kind !== 'task' || work.task !== name) throw new Error(`${context.step.key} is no ${name}`)
  return work.input as TaskInputs[Name]
}

/** What tasks of the run have answered, by the kind of their step. */
interface Results {
  readonly environment: BuildEnvironmentResult
  readonly data: FreezeDatasetResult
  readonly bundle: MadeBundle
  readonly evaluation: EvaluationResult
}

function resultOf<Kind extends keyof Results>(
  context: StepContext,
  kind: Kind,
  step: string = kind,
): Results[Kind] | undefined {
  return context.outputs.get(step)?.result as Results[Kind] | undefined
}

/** An environment is content of its own folder, not of the store; somebody may have removed it. */
async function environmentMissing(output: TaskOutput): Promise<string | undefined> {
  const { folder, installer } = output.result as BuildEnvironmentResult
  return installer === 'interpreter' ? undefined : environmentTrouble(folder)
}

function withProvided(context: PrepareContext): unknown {
  const input = inputOf(context, 'check-sources')
  const provided = input.environments.flatMap((key) => {
    const provides = context.outputs.get(key)?.provides
    return provides === undefined ? [] : [[key, provides] as const]
  })
  return { ...input, provided: Object.fromEntries(provided) }
}

async function settleFindings(writer: Writer, context: SettleContext): Promise<readonly NewEvent[]> {
  const result = context.output.result as { findings: readonly Finding[] } | undefined
  if (result !== undefined)
    await recordFindings(writer, { runId: context.run.id, step: context.step.key }, result.findings)
  return []
}

async function prepareCheck(reader: Reader, context: PrepareContext): Promise<unknown> {
  const input = inputOf(context, 'check-datasets')
  const current: Record<string, string> = {}
  const previous: Record<string, string> = {}
  let run: string | undefined
  for (const path of input.paths) {
    const now = resultOf(context, 'data', `data:${path}`)
    const before = await latestDataset(reader, context.run.project, path, context.run.id)
    if (now !== undefined) current[path] = now.digest
    if (before === undefined) continue
    previous[path] = before.digest
    run = before.runId
  }
  return { ...input, current, ...(run === undefined ? {} : { previous: { run, digests: previous } }) }
}

function environmentOf(context: StepContext): BuildEnvironmentResult | undefined {
  return context.step.uses.map((key) => resultOf(context, 'environment', key)).find((result) => result !== undefined)
}

function prepareBundle(context: PrepareContext): unknown {
  const input = inputOf(context, 'make-bundle')
  const environment = environmentOf(context)
  const evaluation = evaluationOf(context)
  const notFeatures =
    evaluation === undefined
      ? []
      : [evaluation.label, evaluation.id, evaluation.unit, evaluation.weight, ...evaluation.slices].filter(
          (column) => column !== undefined,
        )
  const shared = { ...input, notFeatures, ...memoryOf(context) }
  if (environment === undefined) return shared
  const { lockDigest, python } = environment
  return { ...shared, environment: { lockDigest, python, env: hostEnvironment(environment) } }
}

function evaluationOf(context: StepContext): TaskInputs['evaluate']['evaluation'] | undefined {
  const step = context.plan.steps.find(({ key }) => key === 'evaluation')
  return step?.work.kind === 'task' ? (step.work.input as TaskInputs['evaluate']).evaluation : undefined
}

/** The metrics of the rules that apply: the default branch's gates may name others than the change's own. */
async function prepareEvaluation(needs: Needs, context: PrepareContext): Promise<unknown> {
  const reader = needs.database.read
  const input = inputOf(context, 'evaluate')
  const rules = rulesOfRun(context.run)
  const measured = (rules?.gates ?? []).map(measuredBy)
  const metrics = measured.flatMap(({ metric }) => metric ?? [])
  const slices = measured.flatMap(({ slice }) => slice ?? [])
  const candidate = resultOf(context, 'bundle')
  const champion = await hostedChampion(needs, context)
  return {
    ...input,
    metrics: [...new Set([...input.metrics, ...metrics])],
    slices: [...new Set([...input.slices, ...slices])],
    latency: measuresLatency(context),
    candidate: candidate && { ...(await hostedModel(reader, candidate, context.run.id)), ...memoryOf(context) },
    ...(typeof champion === 'string' ? { noChampion: champion } : { champion: { ...champion, ...memoryOf(context) } }),
  }
}

async function hostedChampion(needs: Needs, context: PrepareContext) {
  const reader = needs.database.read
  if (needs.champion === undefined) {
    const { version } = (await championOf(reader, context.run)) ?? {}
    if (version === undefined) return NO_CHAMPION
    const { answers } = version.lineage
    return {
      ...(await hostedModel(reader, version, version.runId)),
      version: version.version,
      ...(answers === undefined ? {} : { answers }),
    }
  }
  const found = await needs.champion(context.run)
  if (typeof found === 'string') return found
  // Where the author's code answers nothing is hosted: what is kept with the version is compared.
  if (evaluationOf(context)?.source.kind === 'predictions') return { ...found, env: {} }
  const { runtime, lockDigest } = found.manifest
  const own = environmentOf(context) ?? resultOf(context, 'environment')
  if (runtime.kind !== 'onnx' && (own === undefined || own.lockDigest !== lockDigest)) {
    return `the champion (version ${found.version}) runs in a build environment of another lock, which is not made here`
  }
  return { ...found, env: hostEnvironment(runtime.kind === 'onnx' ? undefined : own) }
}

/** What the model will have where it is to serve at last. */
function memoryOf(context: StepContext): { readonly memoryBytes?: number } {
  const memoryBytes = rulesOfRun(context.run)?.environments.at(-1)?.resources.memoryBytes
  return memoryBytes === undefined ? {} : { memoryBytes }
}

async function hostedModel(reader: Reader, { bundle, manifest }: MadeBundle, runId: string) {
  return { bundle, manifest, env: await hostEnvironmentOfRun(reader, manifest, runId) }
}

/** Gates of the rules that apply; a parent run's waivers hold for the rerun that adopted its outputs. */
async function prepareGates(reader: Reader, context: PrepareContext): Promise<unknown> {
  const input = inputOf(context, 'gate')
  const gates = rulesOfRun(context.run)?.gates ?? input.gates
  const evaluation = resultOf(context, 'evaluation')
  const parent = context.run.parent_run
  const waivers = parent === null ? [] : await listWaivers(reader, parent)
  const made = resultOf(context, 'bundle')
  const candidate =
    made === undefined
      ? {}
      : { candidate: { ...(await hostedModel(reader, made, context.run.id)), ...memoryOf(context) } }
  const rows = evaluationOf(context)
  return {
    ...input,
    gates,
    run: context.run.id,
    ...candidate,
    ...(rows === undefined ? {} : { rows }),
    ...(evaluation === undefined ? {} : { evaluation }),
    waivers,
    facts: await runFacts(reader, context.run, resultOf(context, 'environment')),
  }
}

async function settleGates({ database }: Needs, writer: Writer, context: SettleContext): Promise<readonly NewEvent[]> {
  const { result } = context.output as GateOutput
  if (result === undefined) return []
  const of = { runId: context.run.id, project: context.run.project }
  await recordGates(writer, database.kind, of, result.gates)
  const { report } = result
  if (report !== undefined) {
    await recordReport(writer, of, { html: report.html.digest, markdown: report.markdown.digest })
  }
  return []
}

async function prepareRegistration({ database, artifacts }: Needs, context: PrepareContext): Promise<unknown> {
  const reader = database.read
  const input = inputOf(context, 'register')
  const environment = resultOf(context, 'environment')
  const datasets = await listDatasets(reader, context.run.id, 200)
  return {
    ...input,
    bundle: resultOf(context, 'bundle')?.bundle,
    datasets: Object.fromEntries(datasets.map(({ path, digest }) => [path, digest])),
    metrics: estimatesOf(resultOf(context, 'evaluation')),
    commit: context.run.commit_id,
    ...defined({ wheel: await wheelOf(artifacts, context), image: imageOf(context) }),
    ...(environment === undefined ? {} : { lock: environment.lock, python: environment.python }),
  }
}

/** Of the step that `build.package` makes; nothing where the commit has none. */
async function wheelOf(artifacts: TaskArtifacts, { outputs }: PrepareContext): Promise<Wheel | undefined> {
  const folder = outputs.get(PACKAGE_KEY)?.outs[WHEEL_FOLDER]
  const [wheel] = folder === undefined ? [] : await artifacts.filesOf(folder)
  return wheel === undefined ? undefined : { file: wheel.path, digest: wheel.digest }
}

function imageOf({ outputs }: PrepareContext): Image | undefined {
  const built = outputs.get(IMAGE_KEY)?.result as BuildImageResult | undefined
  return built === undefined ? undefined : { digest: built.digest, layout: built.layout }
}

/** The version's row, in the transaction that settles the step: registered exactly once. */
async function settleRegistration(
  { database }: Needs,
  writer: Writer,
  context: SettleContext,
): Promise<readonly NewEvent[]> {
  const made = context.output.result as
    | (MadeBundle & Pick<VersionLineage, 'wheel' | 'image'> & { readonly sbom: string })
    | undefined
  if (made === undefined) return []
  const { run } = context
  const { isNew, version } = await registerVersion(writer, database.kind, {
    project: run.project,
    model: rulesOfRun(run)?.model ?? run.project,
    bundle: made.bundle,
    manifest: made.manifest,
    runId: run.id,
    metrics: estimatesOf(resultOf(context, 'evaluation')),
    lineage: {
      ...(await lineageOf(writer, context)),
      ...defined({ wheel: made.wheel, image: made.image }),
      sbom: made.sbom,
    },
  })
  await reach('version given', run.id)
  if (isNew) return []
  // The bundle was a version already; that it was made again still sends it onward, to where it does not serve.
  const data = { run: run.id, model: version.model, version: version.version, bundle: version.bundle, again: true }
  return [{ kind: 'version.registered', project: run.project, subject: `${run.project}@${version.version}`, data }]
}

/** The numbers themselves; their intervals stay with the evaluation's own result. */
function estimatesOf(evaluation: EvaluationResult | undefined): Record<string, number> {
  const measures = Object.entries(evaluation?.candidate.metrics ?? {})
  return Object.fromEntries(
    measures.flatMap(([name, measure]) => (measure.value === null ? [] : [[name, measure.value]])),
  )
}

async function lineageOf(writer: Writer, context: SettleContext) {
  const { run } = context
  const datasets = await listDatasets(writer, run.id, 200)
  const gates = await listGates(writer, run.id)
  const alert = run.alert_id ?? (await alertOfParent(writer, run.parent_run))
  const report = await findReport(writer, run.id)
  const evaluation = resultOf(context, 'evaluation')
  return {
    ...(report === undefined ? {} : { report }),
    ...(evaluation?.source === 'author' ? { answers: evaluation.outcomes.digest } : {}),
    run: run.id,
    commit: run.commit_id,
    branch: run.branch,
    person: run.person,
    authors: JSON.parse(run.authors) as string[],
    event: run.event,
    alert,
    datasets: Object.fromEntries(datasets.map(({ path, digest }) => [path, digest])),
    lockDigest: resultOf(context, 'environment')?.lockDigest ?? null,
    gates: gates.map(({ title, outcome, summary, waivedBy }) => ({ title, outcome, summary, waivedBy })),
    tests: await countTests(writer, run.id),
  }
}

async function alertOfParent(reader: Reader, parent: string | null): Promise<string | null> {
  return parent === null ? null : ((await getRun(reader, parent))?.alert_id ?? null)
}
