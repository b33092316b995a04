import { createHash } from 'node:crypto'
import { openSecrets } from '../access/secrets.ts'
import type { BundleManifest } from '../core/bundle.ts'
import type { Digest } from '../core/digest.ts'
import { AppError } from '../core/errors.ts'
import type { RunRow } from '../db/tables.ts'
import type { AttemptContext, StepOpening } from '../engine/engine-options.ts'
import type { RouteKeeper } from './deployment-to-traffic.ts'
import type { Installation } from './installation.ts'
import type { DatasetSettings } from '../core/dataset-settings.ts'
import type { TaskWork } from '../core/plan.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import { readCommit } from '../source/read-history.ts'
import { getProject } from '../source/projects.ts'
import { repositoryFolder } from '../source/repositories.ts'
import { asksCandidate } from './asks-candidate.ts'
import { buildDate } from './build-date.ts'
import { datasetEnvironment } from './dataset-environment.ts'
import { rulesOfRun } from './run-rules.ts'
import { toolEnvironment } from './tool-environment.ts'

type Needs = Pick<
  Installation,
  'database' | 'dataFolder' | 'artifacts' | 'routes' | 'secretsKeys' | 'publicUrl' | 'datasets' | 'environment'
>

/**
 * What a step finds beside the engine's own variables: a token for its own run, the secrets it names, and,
 * with `endpoint: candidate`, the candidate behind the real gateway.
 */
export async function openStep(
  needs: Needs,
  context: AttemptContext,
  runToken: (run: AttemptContext['run']) => Promise<string>,
): Promise<StepOpening> {
  const { run, step } = context
  const date = await buildDate(step, () => committedAt(needs, run))
  if (step.work.kind === 'task') {
    const wanted = taskSecrets(step.work)
    const opened =
      wanted.length === 0 ? {} : await openSecrets(needs.database.read, needs.secretsKeys, run.project, wanted)
    const { env, secrets } = openTask(step.work, opened, needs.datasets, needs.environment)
    const candidate = await openForStep(needs.routes, context)
    return { env: { ...env, ...date, ...candidate.env }, secrets: { ...secrets, ...candidate.secrets } }
  }
  const token = await runToken(run)
  const secrets = await openSecrets(needs.database.read, needs.secretsKeys, run.project, step.work.secrets)
  const candidate = await openForStep(needs.routes, context)
  return {
    env: { ...date, TIDEGATE_URL: needs.publicUrl, ...candidate.env },
    secrets: { ...secrets, TIDEGATE_TOKEN: token, ...candidate.secrets },
  }
}

async function committedAt({ database, dataFolder }: Needs, run: RunRow): Promise<number> {
  const project = await getProject(database.read, run.project)
  return (await readCommit(repositoryFolder(dataFolder, project), run.commit_id)).committedAt
}

/** Secrets that a task of ours is given: those of package indexes, or the one of a dataset's source. */
export function taskSecrets(work: TaskWork): readonly string[] {
  if (work.task === 'build-environment') return (work.input as TaskInputs['build-environment']).secrets ?? []
  if (work.task !== 'freeze-dataset') return []
  const { source } = work.input as TaskInputs['freeze-dataset']
  return 'secret' in source && source.secret !== undefined ? [source.secret] : []
}

/** What a task finds: the tools' environment, and the values of its secrets. */
export function openTask(
  work: TaskWork,
  values: Readonly<Record<string, string>>,
  datasets: DatasetSettings,
  environment: NodeJS.ProcessEnv,
): StepOpening {
  const tools = toolEnvironment(environment)
  if (work.task === 'freeze-dataset') return datasetEnvironment(tools, datasets, Object.values(values)[0], environment)
  return { env: tools.env, secrets: { ...tools.secrets, ...values } }
}

export async function closeStep(
  needs: { readonly routes: Pick<RouteKeeper, 'closePrivate'> },
  context: AttemptContext,
): Promise<void> {
  if (asksCandidate(context)) await needs.routes.closePrivate(endpointId(context))
}

/** Where the candidate answers and the token for it; nothing for a step that does not ask it. */
export async function openForStep(
  routes: Pick<RouteKeeper, 'openPrivate'>,
  context: AttemptContext,
): Promise<StepOpening> {
  if (!asksCandidate(context)) return { env: {}, secrets: {} }
  const { url, token } = await openCandidate(routes, context)
  return { env: { TIDEGATE_ENDPOINT: url }, secrets: { TIDEGATE_ENDPOINT_TOKEN: token } }
}

/** The run's bundle on an endpoint of its own, behind `routes`. */
async function openCandidate(
  routes: Pick<RouteKeeper, 'openPrivate'>,
  context: AttemptContext,
): Promise<{ url: string; token: string }> {
  const made = context.outputs.get('bundle')?.result as { bundle: Digest; manifest: BundleManifest } | undefined
  if (made === undefined)
    throw new AppError(
      'INVALID_INPUT',
      `Step ${context.step.key} wants the candidate, but this run made none. Add a \`model:\` to the pipeline.`,
    )
  const memoryBytes = rulesOfRun(context.run)?.environments.at(-1)?.resources.memoryBytes
  return routes.openPrivate({
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    id: endpointId(context),
    project: context.run.project,
    model: rulesOfRun(context.run)?.model ?? context.run.project,
    bundle: made.bundle,
    manifest: made.manifest,
    runId: context.run.id,
  })
}

function endpointId({ attempt }: AttemptContext): string {
  return candidateEndpoint(attempt.id)
}

/** The private endpoint of an attempt whose step asks for the candidate. */
export function candidateEndpoint(attemptId: string): string {
  return `candidate-${createHash('sha256').update(attemptId).digest('hex').slice(0, 20)}`
}
