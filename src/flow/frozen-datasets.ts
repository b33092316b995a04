import { join } from 'node:path'
import {
  askForDataset,
  digestsThatAre,
  lastApproved,
  lastPushed,
  type DatasetVersion,
} from '../build/dataset-versions.sql.ts'
import { findDataset, latestDataset, latestDatasetOf, recordDataset } from '../build/datasets.sql.ts'
import type { FreezeDatasetInput, FreezeDatasetResult } from '../build/freeze-dataset.ts'
import { sourceOf } from '../build/source-of.ts'
import type { Digest } from '../core/digest.ts'
import type { NewEvent } from '../core/events.ts'
import { limit } from '../core/limits.ts'
import type { ArtifactRef, TreeFile } from '../core/tree.ts'
import type { Reader, Writer } from '../db/open-database.ts'
import type { PrepareContext, SettleContext, StepContext } from '../engine/engine-options.ts'
import type { StepOutputs } from '../engine/step-outputs.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { sha256 } from '../lib/sha256.ts'
import { datasetKey, queryKey } from '../pipeline/task-keys.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import { freezeLabels } from './freeze-labels.ts'
import type { Installation } from './installation.ts'
import { rulesOfRun } from './run-rules.ts'

type Needs = Pick<Installation, 'database' | 'dataFolder' | 'artifacts'>
type FreezeInput = TaskInputs['freeze-dataset']

/** A digest that a run uses without asking the source, and why. */
export interface Frozen {
  readonly artifact: ArtifactRef
  readonly rows: number | null
  /** When it became what runs use. */
  readonly frozenAt: number
  readonly why: string
}

interface KnownDataset {
  readonly outputs: StepOutputs
  readonly why: string
}

/**
 * A dataset, or its query, that this run takes as it was frozen before: datasets move with schedules, alerts,
 * `--refresh-data` and the pushes of their owners, never with a push of code.
 */
export async function knownDataset(reader: Reader, context: PrepareContext): Promise<KnownDataset | undefined> {
  const input = inputOf(context)
  if (input === undefined) return undefined
  const identity = identityOf(input, context.inputs)
  const frozen = await frozenBefore(reader, context, input, identity)
  return frozen === undefined ? undefined : takenAs(context, input, frozen)
}

/** In a run without a server: what was pushed to a dataset of one. Undefined: this is no such dataset. */
export async function knownPushed(
  context: PrepareContext,
  bring: (path: string) => Promise<Frozen>,
): Promise<KnownDataset | undefined> {
  const input = inputOf(context)
  return input?.source.kind === 'store' ? takenAs(context, input, await bring(input.path)) : undefined
}

function takenAs(context: PrepareContext, input: FreezeInput, { artifact, rows, frozenAt, why }: Frozen): KnownDataset {
  const identity = identityOf(input, context.inputs)
  const isQuery = context.step.key === queryKey(input.path)
  const result = { path: input.path, digest: artifact.digest, artifact, rows, identity, frozenAt }
  const ended = { version: 1, attemptId: '', outcome: 'succeeded', logBytes: 0, logLostBytes: 0 } as const
  const now = Date.now()
  return {
    outputs: {
      outs: isQuery ? {} : { [input.path]: artifact },
      kept: {},
      ...(isQuery ? {} : { result }),
      ended: { ...ended, startedAt: now, endedAt: now },
    },
    why,
  }
}

/** The input of the step that freezes; of a query that of the step it is for. */
function inputOf({ plan, step }: StepContext): FreezeInput | undefined {
  const path = /^(?:data|query):(.*)$/s.exec(step.key)?.[1]
  const freezing = path === undefined ? undefined : plan.steps.find(({ key }) => key === datasetKey(path))
  if (freezing?.work.kind !== 'task' || freezing.work.task !== 'freeze-dataset') return undefined
  return freezing.work.input as FreezeInput
}

/** Another source, or another query, is another dataset, whatever its path. */
function identityOf({ source, dvc }: FreezeInput, inputs: readonly TreeFile[]): Digest {
  const deps = source.kind === 'query' ? inputs.map(({ path, digest }) => [path, digest]) : []
  return sha256(canonicalJson({ source: sourceOf(source), dvc: dvc ?? null, deps }))
}

async function frozenBefore(
  reader: Reader,
  { run }: StepContext,
  { path, source }: FreezeInput,
  identity: Digest,
): Promise<Frozen | undefined> {
  const place = { project: run.project, path, identity, exceptRun: run.id }
  const isRefreshed = rulesOfRun(run)?.refreshData === true
  if (source.kind === 'store') return pushed(reader, place, source.owners !== undefined)
  // What DVC names by its content cannot be another one tomorrow.
  if (isRefreshed && source.kind !== 'dvc') return undefined
  if (source.owners !== undefined) return approved(reader, place)
  const last = await latestDatasetOf(reader, place)
  return last === undefined
    ? undefined
    : { ...last, why: `as ${last.runId} froze it; --refresh-data asks the source again` }
}

interface Place {
  readonly project: string
  readonly path: string
  readonly identity: string
}

/** What was approved or pushed last, and since when it counts: from the yes or the push, whoever uses it first. */
export async function versionInUse(
  reader: Reader,
  { project, path, isOwned }: { readonly project: string; readonly path: string; readonly isOwned: boolean },
): Promise<(DatasetVersion & { readonly frozenAt: number }) | undefined> {
  const version = await (isOwned ? lastApproved : lastPushed)(reader, project, path)
  if (version === undefined) return undefined
  return { ...version, frozenAt: (isOwned ? version.decidedAt : undefined) ?? version.askedAt }
}

async function pushed(reader: Reader, { project, path }: Place, isOwned: boolean): Promise<Frozen | undefined> {
  const version = await versionInUse(reader, { project, path, isOwned })
  if (version === undefined) return undefined
  const by = isOwned ? `${version.decidedBy ?? '?'} approved it` : `${version.pushedBy ?? '?'} pushed it`
  return { ...version, why: `as ${by}` }
}

/** A source that was declared anew is asked, so that its owners can say yes to what is there. */
async function approved(reader: Reader, { project, path, identity }: Place): Promise<Frozen | undefined> {
  const version = await versionInUse(reader, { project, path, isOwned: true })
  if (version === undefined || version.identity !== identity) return undefined
  return { ...version, why: `as ${version.decidedBy ?? '?'} approved it; --refresh-data asks the source again` }
}

/** Everything the task needs that only rows know. */
export async function prepareDataset(needs: Needs, context: PrepareContext): Promise<FreezeDatasetInput> {
  const input = inputOf(context)
  if (input === undefined) throw new Error(`${context.step.key} freezes nothing`)
  const { read } = needs.database
  const { project } = context.run
  const { path, source } = input
  const artifact = await artifactOf(read, context, input)
  const owned = source.owners === undefined ? undefined : await ownedDataset(read, project, path, source.owners)
  return {
    ...input,
    project,
    identity: identityOf(input, context.inputs),
    ...(artifact === undefined ? {} : { artifact }),
    ...(owned === undefined ? {} : { owned }),
    ...(source.kind === 'production' ? { production: await productionOf(needs, context) } : {}),
  }
}

/** What a query of this run has written, or what was pushed and nobody has said yes to. */
async function artifactOf(
  reader: Reader,
  { run, outputs }: PrepareContext,
  { path, source }: FreezeInput,
): Promise<ArtifactRef | undefined> {
  if (source.kind === 'query') return outputs.get(queryKey(path))?.outs[path]
  return source.kind === 'store' ? (await lastPushed(reader, run.project, path))?.artifact : undefined
}

async function ownedDataset(reader: Reader, project: string, path: string, owners: readonly string[]) {
  const last = await versionInUse(reader, { project, path, isOwned: true })
  const place = { project, path, limit: limit('pageRows') }
  return {
    owners,
    approved: await digestsThatAre(reader, { ...place, state: 'approved' }),
    rejected: await digestsThatAre(reader, { ...place, state: 'rejected' }),
    ...(last === undefined ? {} : { last: { artifact: last.artifact, rows: last.rows, frozenAt: last.frozenAt } }),
  }
}

async function productionOf(needs: Needs, { run }: PrepareContext) {
  const environment = rulesOfRun(run)?.environments.at(-1)?.name ?? 'production'
  return {
    predictionsFolder: join(needs.dataFolder, 'predictions'),
    project: run.project,
    environment,
    labels: await freezeLabels(needs, run.project, environment),
    until: run.created_at,
  }
}

/** What the run uses, and what its owners are asked about. */
export async function settleDataset(writer: Writer, context: SettleContext): Promise<readonly NewEvent[]> {
  const { run, output } = context
  const result = output.result as FreezeDatasetResult | undefined
  if (result === undefined) return []
  const { path, digest, artifact, rows, identity, proposed } = result
  const place = { project: run.project, path, runId: run.id, identity }
  if (output.failure === undefined) {
    const frozenAt = await whenFrozen(writer, context, result)
    await recordDataset(writer, { ...place, digest, artifact, rows, frozenAt })
  }
  if (proposed === undefined) return []
  const version = { ...place, digest: proposed.artifact.digest, ...proposed, pushedBy: null, askedAt: Date.now() }
  return (await askForDataset(writer, version)) ? [proposedEvent(version)] : []
}

/** A digest that is taken over stays as old as it is: a rerun of an old run would set back what pushes use. */
async function whenFrozen(
  writer: Writer,
  { run, cached }: SettleContext,
  { path, frozenAt }: FreezeDatasetResult,
): Promise<number> {
  if (frozenAt !== undefined) return frozenAt
  const adopted = cached && run.parent_run !== null ? await findDataset(writer, run.parent_run, path) : undefined
  if (adopted !== undefined) return adopted.frozenAt
  // After all others, also where somebody has set the clock back.
  const last = await latestDataset(writer, run.project, path)
  return Math.max(Date.now(), (last?.frozenAt ?? 0) + 1)
}

export function proposedEvent({
  project,
  path,
  digest,
  rows,
  artifact,
  runId,
}: Omit<DatasetVersion, 'state' | 'decidedBy' | 'decidedAt' | 'reason'>): NewEvent {
  const data = { path, digest, rows, bytes: artifact.size, run: runId }
  return { kind: 'dataset.proposed', project, subject: `${project}/${path}`, data }
}
