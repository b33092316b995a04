import { stat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Datatype, MlflowLoader, TensorSpec } from '../core/bundle.ts'
import { AppError } from '../core/errors.ts'
import { hasCode } from '../lib/error-code.ts'

/** What an MLflow model folder says of itself, as far as a model host needs it. */
export interface MlflowModel {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  readonly loader: MlflowLoader
  /** Present: an ONNX file of the folder, which needs no Python at all. */
  readonly onnxFile?: string
}

const FILE = 'MLmodel'
/** Real ones have two kilobytes; some carry the signature of thousands of columns. */
const MOST_BYTES = 8 << 20

/** Undefined where `path` is no folder, or has no MLmodel file. Fails with INVALID_INPUT for one that cannot be hosted. */
export async function readMlflowModel(folder: string, path: string): Promise<MlflowModel | undefined> {
  const file = join(folder, path, FILE)
  const name = join(path, FILE)
  try {
    const { size } = await stat(file)
    if (size > MOST_BYTES) throw refuse(name, `it has ${size} bytes, and at most ${MOST_BYTES} are read`)
    return parseMlflowModel(await readFile(file, 'utf8'), name)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

/** Unknown keys are left alone: the format grows with every release of MLflow. */
const MlmodelFile = z.looseObject({
  flavors: z.record(z.string(), z.record(z.string(), z.unknown())),
  signature: z.looseObject({ inputs: z.string().nullish(), outputs: z.string().nullish() }).nullish().catch(undefined),
})

export function parseMlflowModel(text: string, name: string): MlflowModel {
  const read = MlmodelFile.safeParse(readYaml(text, name))
  if (!read.success) throw refuse(name, 'it has no `flavors`, so nothing says how the model is loaded')
  const { flavors, signature } = read.data
  const inputs = readColumns(signature?.inputs, 'inputs', name)
  const outputs = readColumns(signature?.outputs, 'outputs', name)
  const onnxFile = flavors['onnx']?.['data']
  return {
    inputs: inputs.tensors,
    outputs: outputs.tensors,
    loader: loaderOf(flavors, inputs.areTensors, name),
    ...(typeof onnxFile === 'string' ? { onnxFile } : {}),
  }
}

function readYaml(text: string, name: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 })
  } catch (error) {
    throw refuse(name, `it is no YAML: ${(error as Error).message.split('\n')[0] ?? ''}`)
  }
}

/** Flavours that are loaded without MLflow too, and which of their keys names the file. */
const NATIVE = { sklearn: 'pickled_model', xgboost: 'data', lightgbm: 'data' } as const

function loaderOf(
  flavors: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  takesTensors: boolean,
  name: string,
): MlflowLoader {
  const python = flavors['python_function']
  const module = python?.['loader_module']
  if (python === undefined || typeof module !== 'string') {
    const has = Object.keys(flavors).join(', ') || 'none'
    throw refuse(name, `it has no python_function flavour (it has ${has}), which is the one that can be hosted`)
  }
  const code = typeof python['code'] === 'string' ? { code: python['code'] } : {}
  for (const [library, key] of Object.entries(NATIVE)) {
    const flavor = flavors[library]
    const file = flavor?.[key]
    if (module !== `mlflow.${library}` || typeof file !== 'string') continue
    const format = flavor?.['serialization_format'] ?? flavor?.['model_class']
    const how = typeof format === 'string' ? { format } : {}
    return { module, takesTensors, ...code, native: { library: library as keyof typeof NATIVE, file, ...how } }
  }
  return { module, takesTensors, ...code }
}

const Column = z.looseObject({
  type: z.string(),
  name: z.string().optional(),
  'tensor-spec': z.object({ dtype: z.string(), shape: z.array(z.int()) }).optional(),
})

const COLUMN_TYPES: Readonly<Record<string, Datatype>> = {
  boolean: 'BOOL',
  integer: 'INT32',
  long: 'INT64',
  float: 'FP32',
  double: 'FP64',
  string: 'BYTES',
}

const NUMPY_TYPES: Readonly<Record<string, Datatype>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  str: 'BYTES',
  object: 'BYTES',
}

/** `signature.inputs` is JSON inside the YAML: columns of a table, or tensors. */
function readColumns(
  json: string | null | undefined,
  place: 'inputs' | 'outputs',
  name: string,
): { tensors: TensorSpec[]; areTensors: boolean } {
  if (json === undefined || json === null) return { tensors: [], areTensors: false }
  const read = z.array(Column).safeParse(parseJson(json))
  if (!read.success) throw refuse(name, `signature.${place} is no list of columns or tensors`)
  const unnamed = place === 'inputs' ? 'input' : 'prediction'
  const tensors = read.data.map((column, index) => {
    const own = column.name ?? (index === 0 ? unnamed : `${unnamed}_${index}`)
    return toTensor(column, own, `signature.${place}`, name)
  })
  return { tensors, areTensors: read.data.some(({ type }) => type === 'tensor') }
}

function toTensor(column: z.infer<typeof Column>, own: string, place: string, name: string): TensorSpec {
  const spec = column['tensor-spec']
  if (spec !== undefined) {
    const datatype = NUMPY_TYPES[spec.dtype.replace(/^<U\d+$/, 'str')]
    if (datatype === undefined)
      throw refuse(name, `${place}: "${own}" is a tensor of ${spec.dtype}, which cannot be sent`)
    return { name: own, datatype, shape: spec.shape }
  }
  const datatype = COLUMN_TYPES[column.type]
  if (datatype !== undefined) return { name: own, datatype, shape: [-1] }
  throw refuse(
    name,
    `${place}: "${own}" is of the type ${column.type}; the Open Inference Protocol has ${Object.keys(COLUMN_TYPES).join(', ')} and tensors. Wrap the model in a class and say \`predict:\``,
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refuse(name: string, why: string): AppError {
  return new AppError('INVALID_INPUT', `${name} cannot be hosted: ${why}.`)
}
