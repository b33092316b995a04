import { join } from 'node:path'
import type * as Onnx from 'onnxruntime-node'
import type { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node'
import { AppError } from '../../../core/errors.ts'
import type { Datatype, TensorSpec } from '../../../core/bundle.ts'
import type { LoadedModel, LoadOrder, NumericData, Runtime, Tensor, TensorData } from '../../../core/ports/runtime.ts'

type Ort = typeof Onnx

const DATATYPES: Readonly<Record<string, Datatype>> = {
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
  string: 'BYTES',
}

const ONNX_TYPES = Object.fromEntries(Object.entries(DATATYPES).map(([onnx, ours]) => [ours, onnx])) as Readonly<
  Record<Datatype, OnnxTensor.Type>
>

/**
 * One thread and no spinning: ONNX Runtime's own default takes every core and spins on it, which ruins the
 * neighbours of a small model. No arena: after one request too large for it, it asks for that much again
 * with every later one, and the model never answers again.
 */
const SESSION: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  enableCpuMemArena: false,
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
}

/** `run` blocks the event loop of its process: that is what model hosts are for. */
export const onnxRuntime: Runtime = {
  async load(order: LoadOrder): Promise<LoadedModel> {
    const ort = await importOrt()
    const session = await openSession(ort, order)
    return {
      inputs: describe(session.inputMetadata),
      outputs: describe(session.outputMetadata),
      concurrency: 1,
      predict: (inputs) => run(ort, session, inputs),
      // It lives and dies with this process.
      died: new Promise(() => undefined),
      unload: () => session.release(),
    }
  },
}

async function importOrt(): Promise<Ort> {
  try {
    const imported = (await import('onnxruntime-node')) as Ort & { default?: Ort }
    const ort = imported.default ?? imported
    useBitsForHalfFloats(ort)
    return ort
  } catch (cause) {
    const message =
      'ONNX models need the optional package onnxruntime-node, which is not installed or does not run here'
    throw new AppError('UPSTREAM', `${message}: ${messageOf(cause)}`, {}, { cause })
  }
}

/**
 * The package's JavaScript makes a Float16Array of every half float tensor where there is that class, but
 * its native half (1.30) cannot read one. It decides once, with its first tensor: made here, while the class
 * is out of sight.
 */
function useBitsForHalfFloats(ort: Ort): void {
  const { Float16Array } = globalThis
  Reflect.deleteProperty(globalThis, 'Float16Array')
  try {
    void new ort.Tensor('float32', [0])
  } finally {
    Object.defineProperty(globalThis, 'Float16Array', { value: Float16Array, writable: true, configurable: true })
  }
}

async function openSession(ort: Ort, order: LoadOrder): Promise<InferenceSession> {
  const { modelPath } = order.manifest
  try {
    return await ort.InferenceSession.create(join(order.folder, modelPath), SESSION)
  } catch (cause) {
    throw new AppError(
      'INVALID_INPUT',
      `${modelPath} does not load as an ONNX model: ${messageOf(cause)}`,
      {},
      { cause },
    )
  }
}

function describe(metadata: readonly InferenceSession.ValueMetadata[]): TensorSpec[] {
  return metadata.map((value) => {
    const datatype = value.isTensor ? DATATYPES[value.type] : undefined
    if (!value.isTensor || datatype === undefined) {
      throw new AppError(
        'INVALID_INPUT',
        `"${value.name}" of the model is not a tensor that can be served; with scikit-learn, export with zipmap off`,
      )
    }
    return {
      name: value.name,
      datatype,
      shape: value.shape.map((dimension) => (typeof dimension === 'number' ? dimension : -1)),
    }
  })
}

async function run(ort: Ort, session: InferenceSession, inputs: readonly Tensor[]): Promise<Tensor[]> {
  const feeds: Record<string, OnnxTensor> = {}
  for (const input of inputs) feeds[input.name] = toOnnx(ort, input)
  const results = await session.run(feeds)
  return session.outputNames.map((name) => fromOnnx(name, results[name]))
}

function toOnnx(ort: Ort, tensor: Tensor): OnnxTensor {
  const data = (tensor.datatype === 'FP16' ? bitsOf(tensor.data as Float16Array) : tensor.data) as Float32Array
  return new ort.Tensor(ONNX_TYPES[tensor.datatype] as 'float32', data, tensor.shape)
}

function fromOnnx(name: string, tensor: OnnxTensor | undefined): Tensor {
  const datatype = tensor === undefined ? undefined : DATATYPES[tensor.type]
  if (tensor === undefined || datatype === undefined) throw new Error(`output "${name}" is not a tensor`)
  return { name, datatype, shape: tensor.dims, data: asData(datatype, tensor.data) }
}

function bitsOf(halves: Float16Array): Uint16Array {
  return new Uint16Array(halves.buffer, halves.byteOffset, halves.length)
}

function asData(datatype: Datatype, data: OnnxTensor['data']): TensorData {
  if (datatype === 'FP16' && data instanceof Uint16Array)
    return new Float16Array(data.buffer as ArrayBuffer, data.byteOffset, data.length)
  return data as NumericData | string[]
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
