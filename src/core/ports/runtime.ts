import type { BundleManifest, Datatype, TensorSpec } from '../bundle.ts'

/**
 * Computes predictions of one kind of bundle. Lives in a model host: a process of its own that its parent
 * may kill at any moment, so a driver keeps nothing that must survive and starts nothing it cannot end by
 * dying (programs it starts stay in its process tree and carry its environment mark).
 *
 * Life cycle: `load` once → `predict` many times → `unload`. `load` fails with a message for the person who
 * made the bundle; it need not bound its own time or memory, the parent does.
 */
export interface Runtime {
  load(order: LoadOrder): Promise<LoadedModel>
}

export interface LoadOrder {
  readonly manifest: Pick<BundleManifest, 'name' | 'modelPath' | 'runtime' | 'signature'>
  /** The bundle's files. */
  readonly folder: string
  /** For programs of the bundle's own: complete, nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  /** What the program prints, for the person who looks for the reason of a failure. */
  log(line: string): void
}

export interface LoadedModel {
  /** As the model itself says; empty where it cannot say (a Python class takes whatever table it is given). */
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  /** How many `predict` may be under way at once; more are queued by the caller. */
  readonly concurrency: number
  /**
   * All outputs for these inputs. The inputs are already checked against the signature. Rejects with the
   * model's own error; the model is then still usable, unless `died` resolves.
   */
  predict(inputs: readonly Tensor[]): Promise<readonly Tensor[]>
  /** Resolves with the reason when the model can answer no more. A model that is loaded and has not died is ready. */
  readonly died: Promise<string>
  unload(): Promise<void>
}

/** Row-major. `data` has as many elements as `shape` says. */
export interface Tensor {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
  readonly data: TensorData
}

/** BOOL is a byte of 0 or 1; BYTES are strings (UTF-8 on every wire). */
export type TensorData = NumericData | readonly string[]

export type NumericData =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Float16Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
