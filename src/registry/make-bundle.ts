import { cp, mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BundleManifest, RuntimeSpec, Signature, TensorSpec } from '../core/bundle.ts'
import type { Digest } from '../core/digest.ts'
import { AppError } from '../core/errors.ts'
import { chooseAnswer, isPandasIndex, mapColumns } from '../core/map-columns.ts'
import { modelUser } from '../core/model-user.ts'
import { failureOf, type Task, type TaskContext, type TaskOutput } from '../core/task.ts'
import type { ArtifactRef } from '../core/tree.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { hasCode } from '../lib/error-code.ts'
import { openWay } from '../lib/open-way.ts'
import type { ModelSpec } from '../pipeline/pipeline.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import { readMlflowModel, type MlflowModel } from './read-mlmodel.ts'
import { readTableColumns, type TableColumn } from './read-table-columns.ts'

/** Model, included files, card and reference stand in the workspace. */
export type MakeBundleInput = TaskInputs['make-bundle'] & {
  /** Of the build environment the model was made in. */
  readonly environment?: {
    readonly lockDigest: string
    /** `3.11.7`. */
    readonly python: string
    /** To start it with: PATH with the environment in front. */
    readonly env: Readonly<Record<string, string>>
  }
  /** Columns of the reference that are no features: the evaluation's label and id. */
  readonly notFeatures?: readonly string[]
  /** That the model's host may use, as its last environment says; absent: `LIMITS.hostMemoryBytes`. */
  readonly memoryBytes?: number
}

export interface MakeBundleOutput extends TaskOutput {
  readonly result?: { readonly bundle: Digest; readonly manifest: BundleManifest }
}

export interface MakeBundleDeps {
  /** Loads the model once, in a process that is thrown away. Fails with INVALID_INPUT for one that cannot be loaded. */
  readonly inspectModel: (
    folder: string,
    modelPath: string,
    runtime: RuntimeSpec,
    options: {
      readonly env: Readonly<Record<string, string>>
      /** What a `serve` program calls its model. */
      readonly name: string
      readonly memoryBytes?: number
      readonly signal: AbortSignal
      readonly log: (line: string) => void
    },
  ) => Promise<{ readonly inputs: readonly TensorSpec[]; readonly outputs: readonly TensorSpec[] }>
}

/** Puts together what is promoted, once, and names it by its content. */
export function createMakeBundleTask(deps: MakeBundleDeps): Task<MakeBundleInput, MakeBundleOutput> {
  return {
    name: 'make-bundle',
    async run(input, context) {
      try {
        const manifest = await makeManifest(input, deps, context)
        const ref = await context.artifacts.putBytes(canonicalJson(manifest))
        context.log(`bundle ${ref.digest}: ${describe(manifest)}`)
        return { outs: { 'bundle.json': ref }, result: { bundle: ref.digest, manifest } }
      } catch (error) {
        return failureOf(error)
      }
    },
  }
}

async function makeManifest(
  input: MakeBundleInput,
  { inspectModel }: MakeBundleDeps,
  context: TaskContext,
): Promise<BundleManifest> {
  const { model, environment } = input
  const folder = join(context.workspace, '.tidegate-bundle')
  await gather([model.path, ...model.include], context.workspace, folder)
  if (modelUser(folder) !== undefined) openWay(folder, context.dataFolder)
  const mlflow = model.runtime.kind === 'onnx' ? await readMlflowModel(folder, model.path) : undefined
  const { runtime, modelPath } = runtimeOf(model, environment?.python, mlflow)
  const inspected = await inspectModel(folder, modelPath, runtime, {
    env: environment?.env ?? {},
    name: input.name,
    ...(input.memoryBytes === undefined ? {} : { memoryBytes: input.memoryBytes }),
    signal: context.signal,
    log: (line) => context.log(line),
  })
  const found = mlflow === undefined || runtime.kind === 'onnx' ? inspected : mlflow
  const reference = model.reference === undefined ? undefined : await keep(model.reference, 'model.reference', context)
  const card = model.card === undefined ? undefined : await keep(model.card, 'model.card', context)
  return {
    version: 1,
    name: input.name,
    files: await context.artifacts.putFolder(folder),
    modelPath,
    runtime,
    signature: await makeSignature(input, found, context),
    ...(environment === undefined ? {} : { lockDigest: environment.lockDigest }),
    ...(reference === undefined || model.reference === undefined
      ? {}
      : { reference: { ...reference, path: model.reference } }),
    ...(card === undefined ? {} : { card }),
  }
}

/** A folder with just what the bundle holds: the model has to load from that, not from what lies around. */
async function gather(paths: readonly string[], from: string, to: string): Promise<void> {
  for (const [index, path] of paths.entries()) {
    const place = index === 0 ? 'model.path' : 'model.include'
    await mustExist(join(from, path), `${place}: ${path}`)
    await mkdir(dirname(join(to, path)), { recursive: true })
    await cp(join(from, path), join(to, path), { recursive: true, verbatimSymlinks: true })
  }
}

async function keep(path: string, place: string, { workspace, artifacts }: TaskContext): Promise<ArtifactRef> {
  await mustExist(join(workspace, path), `${place}: ${path}`)
  return artifacts.putFile(join(workspace, path))
}

async function mustExist(path: string, what: string): Promise<void> {
  try {
    await stat(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error
    throw new AppError(
      'INVALID_INPUT',
      `${what} is neither in the commit nor among the outs of its steps.`,
      {},
      { cause: error },
    )
  }
}

/** Says nothing of this machine: `python3.11` is looked up in the environment that the lock makes. */
function runtimeOf(
  { runtime, path: given }: ModelSpec,
  version: string | undefined,
  mlflow: MlflowModel | undefined,
): { runtime: RuntimeSpec; modelPath: string } {
  const path = given.replace(/\/+$/, '')
  const python = version === undefined ? 'python3' : `python${version.split('.').slice(0, 2).join('.')}`
  switch (runtime.kind) {
    case 'onnx':
      if (mlflow?.onnxFile !== undefined) return { runtime, modelPath: join(path, mlflow.onnxFile) }
      if (mlflow !== undefined) return { runtime: { kind: 'mlflow', python, loader: mlflow.loader }, modelPath: path }
      return { runtime, modelPath: path }
    case 'predict':
      return { runtime: { ...runtime, python }, modelPath: path }
    case 'serve':
      return { runtime: { ...runtime, path: [] }, modelPath: path }
  }
}

async function makeSignature(
  { model, notFeatures = [] }: MakeBundleInput,
  found: { readonly inputs: readonly TensorSpec[]; readonly outputs: readonly TensorSpec[] },
  { workspace }: TaskContext,
): Promise<Signature> {
  const table = model.reference === undefined ? undefined : await readTableColumns(join(workspace, model.reference))
  const inputs = found.inputs.length > 0 ? found.inputs : tensorsOf(model, table ?? [], notFeatures)
  const columns = mapColumns({
    inputs,
    given: model.inputs,
    notFeatures,
    ...(table === undefined ? {} : { table: table.map(({ name }) => name) }),
  })
  return { inputs, outputs: found.outputs, columns, answer: chooseAnswer(found.outputs, model.outputs) }
}

/** A Python class takes whatever table it is given: a tensor for each column, unless the file says otherwise. */
function tensorsOf(model: ModelSpec, table: readonly TableColumn[], notFeatures: readonly string[]): TensorSpec[] {
  const given = Object.entries(model.inputs)
  if (given.length > 0) return given.map(([name, columns]) => ({ name, datatype: 'FP64', shape: [-1, columns.length] }))
  return table
    .filter(({ name }) => !notFeatures.includes(name) && !isPandasIndex(name))
    .map(({ name, datatype }) => ({ name, datatype, shape: [-1] }))
}

function describe({ runtime, signature }: BundleManifest): string {
  const tensors = (list: readonly TensorSpec[]): string =>
    list.length > 8
      ? `${list.length} tensors`
      : list.map(({ name, datatype, shape }) => `${name} ${datatype}[${shape.join(', ')}]`).join(', ')
  return `${runtime.kind}, takes ${tensors(signature.inputs) || 'a table'}, answers ${tensors(signature.outputs) || signature.answer.prediction}`
}
