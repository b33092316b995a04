import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { failureOf, type Task, type TaskContext, type TaskOutput } from '../core/task.ts'
import { shortDigest, type Digest } from '../core/digest.ts'
import type { DatasetSource } from '../core/ports/dataset-source.ts'
import type { ArtifactRef } from '../core/tree.ts'
import type { DatasetSpec } from '../pipeline/pipeline.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import { countRows } from './count-rows.ts'
import { fetchSource, type FetchOptions } from './fetch-source.ts'
import { freezeDvc, type OpenRemote } from './freeze-dvc.ts'
import { freezeProduction, type ProductionQuestion } from './freeze-production.ts'
import { howToPushAgain } from './how-to-push-again.ts'
import { memoryFile, readMemory, writeMemory } from './source-memory.ts'
import { sourceOf } from './source-of.ts'

export type FreezeDatasetInput = TaskInputs['freeze-dataset'] & {
  /** Whose memory of the source is used. */
  readonly project: string
  /** Names the source as the file declares it; recorded with the digest. */
  readonly identity: Digest
  /** Needed for `from: production`. */
  readonly production?: Omit<ProductionQuestion, 'windowMs' | 'labelled'>
  /** Needed for a query: what it has written. For `from: store`: what was pushed last. */
  readonly artifact?: ArtifactRef
  /** Present: a new digest waits for somebody's yes, and until then the run uses what was approved last. */
  readonly owned?: OwnedDataset
}

export interface OwnedDataset {
  readonly owners: readonly string[]
  /** Digests that had a yes. */
  readonly approved: readonly Digest[]
  /** Digests that had a no: nobody is asked about them again. An older program, whose attempt may run after an upgrade, does not say. */
  readonly rejected?: readonly Digest[]
  readonly last?: FrozenContent & { readonly frozenAt: number }
}

export interface FrozenContent {
  readonly artifact: ArtifactRef
  /** Null where the content is not a table we can count. */
  readonly rows: number | null
}

export interface FreezeDatasetResult extends FrozenContent {
  readonly path: string
  readonly digest: Digest
  readonly identity: Digest
  /** Of what was frozen, pushed or approved before; absent: this run has asked the source. */
  readonly frozenAt?: number
  /** What is there now, where it waits for an owner's yes. */
  readonly proposed?: FrozenContent
}

export interface FreezeDatasetOutput extends TaskOutput {
  /** With a `failure` there is nothing the run may use, only what is proposed. */
  readonly result?: FreezeDatasetResult
}

export interface FreezeDatasetDeps {
  /** Where a path of this machine really is; fails where a commit may not read it. */
  allowedPath(path: string): Promise<string>
  openHttps(url: string): Promise<DatasetSource>
  openS3(place: { bucket: string; key: string; endpoint?: string; region?: string }): Promise<DatasetSource>
  openRemote: OpenRemote
  readonly maxBytes: number
  /** What a credential is known by: another one may see other content under the same address. */
  readonly access: string
}

/** Names a dataset by the digest of what it is now. */
export function createFreezeDatasetTask(deps: FreezeDatasetDeps): Task<FreezeDatasetInput, FreezeDatasetOutput> {
  return {
    name: 'freeze-dataset',
    async run(input, context) {
      try {
        return use(input, await freeze(input, deps, context), context)
      } catch (error) {
        return failureOf(error)
      }
    },
  }
}

function use(input: FreezeDatasetInput, frozen: FrozenContent, context: TaskContext): FreezeDatasetOutput {
  const { path, owned } = input
  context.log(`${path}: ${describe(frozen)}`)
  if (owned === undefined || owned.approved.includes(frozen.artifact.digest)) return outputOf(input, frozen)
  const waits = `${describe(frozen)} ${whyNotUsed(owned, frozen)}`
  if (owned.last === undefined) {
    const message = `${path}: ${waits}. No digest of it had one yet.`
    const result = { ...outputOf(input, frozen).result, proposed: frozen }
    return { result, failure: { reason: 'refused', message } }
  }
  context.log(`${path}: ${waits}. This run uses the last that was approved, ${describe(owned.last)}`)
  const output = outputOf(input, owned.last)
  return { ...output, result: { ...output.result, frozenAt: owned.last.frozenAt, proposed: frozen } }
}

function whyNotUsed({ owners, rejected = [] }: OwnedDataset, { artifact }: FrozenContent): string {
  const who = owners.join(' or ')
  return rejected.includes(artifact.digest)
    ? `was rejected, and ${who} may still say yes: \`tidegate data approve --digest ${artifact.digest}\``
    : `is new, and waits for the yes of ${who}: \`tidegate data approve\``
}

function outputOf({ path, identity }: FreezeDatasetInput, { artifact, rows }: FrozenContent) {
  const result = { path, digest: artifact.digest, artifact, rows, identity }
  return { outs: { [path]: artifact }, result }
}

function describe({ artifact, rows }: FrozenContent): string {
  return `${shortDigest(artifact.digest)}, ${rows === null ? '' : `${rows} rows, `}${artifact.size} bytes`
}

async function freeze(
  input: FreezeDatasetInput,
  deps: FreezeDatasetDeps,
  context: TaskContext,
): Promise<FrozenContent> {
  if (input.source.kind === 'production') return freezeProductionOf(input, input.source, context)
  const artifact = await freezeContent(input, deps, context)
  return { artifact, rows: await countRows(input.path, artifact, context) }
}

async function freezeProductionOf(
  { production }: FreezeDatasetInput,
  source: DatasetSpec & { kind: 'production' },
  context: TaskContext,
): Promise<FrozenContent> {
  if (production === undefined) throw new Error('a dataset from production needs `production`')
  const window = source.windowMs === undefined ? {} : { windowMs: source.windowMs }
  const target = join(context.workspace, 'frozen.parquet')
  const rows = await freezeProduction({ ...production, ...window, labelled: source.labelled }, target, context)
  return { artifact: await context.artifacts.putFile(target), rows }
}

async function freezeContent(
  input: FreezeDatasetInput,
  deps: FreezeDatasetDeps,
  context: TaskContext,
): Promise<ArtifactRef> {
  const { source } = input
  const { artifacts, signal } = context
  const memory = memoryFile(context.dataFolder, {
    project: input.project,
    source: sourceOf(source),
    dvc: input.dvc?.remote,
    access: deps.access,
  })
  const options = { artifacts, signal, maxBytes: deps.maxBytes, log: (line: string) => context.log(line) }
  switch (source.kind) {
    case 'file':
      return freezeFile(await deps.allowedPath(source.source), memory, context)
    case 'https':
      return fetchRemembering(await deps.openHttps(source.url), memory, options)
    case 's3':
      return fetchRemembering(await deps.openS3({ bucket: source.bucket, key: source.key }), memory, options)
    case 'dvc':
      if (input.dvc === undefined) throw new Error('a dataset of DVC needs `dvc`')
      return freezeDvc(input.dvc, deps.openRemote, { ...options, memoryFile: memory })
    default:
      if (input.artifact !== undefined) return whole(input, input.artifact, context)
      throw new AppError(
        'INVALID_INPUT',
        `Nothing was pushed to ${input.path} yet: \`tidegate data push ${input.project} ${input.path} <file or folder>\`.`,
      )
  }
}

/** What somebody pushed, or a query wrote, has no other place than the store. */
async function whole(
  { path, project, source }: FreezeDatasetInput,
  artifact: ArtifactRef,
  { artifacts }: TaskContext,
): Promise<ArtifactRef> {
  const files = artifact.kind === 'tree' ? await artifacts.filesOf(artifact) : [artifact]
  for (const { digest } of files) {
    if (await artifacts.keep(digest)) continue
    const why = (await artifacts.wasDamaged(digest)) ? 'was damaged on the disk' : 'is gone from the store'
    const message = `${path}: ${digest} ${why}.`
    const remedy = howToPushAgain(project, { path, source })
    if (remedy === undefined) throw new AppError('NOT_FOUND', message, { digest })
    throw new AppError('NOT_FOUND', `${message} ${remedy}`)
  }
  return artifact
}

async function freezeFile(path: string, memory: string, { artifacts }: TaskContext): Promise<ArtifactRef> {
  if (!(await stat(path)).isDirectory()) return artifacts.putFile(path)
  const folder = await artifacts.putFolderAgain(path, memory)
  if ((await artifacts.filesOf(folder)).length > 0) return folder
  throw new AppError('INVALID_INPUT', `${path} holds nothing. Is what should be there mounted?`)
}

async function fetchRemembering(
  opened: DatasetSource,
  memory: string,
  options: Omit<FetchOptions, 'memory'>,
): Promise<ArtifactRef> {
  await using source = opened
  const fetched = await fetchSource(source, { ...options, memory: readMemory(memory) })
  writeMemory(memory, fetched.memory)
  const unchanged = fetched.files - fetched.sent
  if (unchanged > 0) options.log(`${unchanged} of ${fetched.files} files are unchanged and were not sent again`)
  return fetched.artifact
}
