import type { ArtifactRef } from './tree.ts'

/**
 * What is promoted: everything needed to answer predictions, named by one digest (of this manifest as
 * canonical JSON). Nothing in it says when or by which run it was made, so equal contents are the same
 * bundle.
 */
export interface BundleManifest {
  readonly version: 1
  readonly name: string
  /** `model.path` and `model.include`, paths kept. */
  readonly files: ArtifactRef
  readonly modelPath: string
  readonly runtime: RuntimeSpec
  readonly signature: Signature
  /** Of the build environment the model was made and is served in. */
  readonly lockDigest?: string
  /** Rows that monitoring compares production with: a Parquet or CSV file. */
  readonly reference?: ArtifactRef & { readonly path: string }
  readonly card?: ArtifactRef
}

export type RuntimeSpec =
  | { readonly kind: 'onnx' }
  | { readonly kind: 'predict'; readonly entry: string; readonly python: string }
  /** A folder with an MLmodel file. */
  | { readonly kind: 'mlflow'; readonly python: string; readonly loader: MlflowLoader }
  | {
      readonly kind: 'serve'
      readonly run: string
      readonly readyPath: string
      readonly readyTimeoutMs: number
      readonly path: readonly string[]
    }

/** How an MLflow model is loaded: by MLflow where the build environment has it, else by the library itself. */
export interface MlflowLoader {
  /** `mlflow.sklearn`. */
  readonly module: string
  /** The model is given arrays, not a DataFrame. */
  readonly takesTensors: boolean
  /** A folder of the model's with Python modules it needs. */
  readonly code?: string
  readonly native?: {
    readonly library: 'sklearn' | 'xgboost' | 'lightgbm'
    readonly file: string
    /** How it was written: `pickle`, `cloudpickle`, `skops`; for XGBoost the class. */
    readonly format?: string
  }
}

/** Open Inference Protocol tensors, and how columns of a table map to them. -1 is a free dimension. */
export interface Signature {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  /** Input tensor → the columns that fill its last dimension, in order. */
  readonly columns: Readonly<Record<string, readonly string[]>>
  readonly answer: AnswerSpec
}

export interface TensorSpec {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
}

/** Which output tensors carry what evaluation, acceptance and monitoring look at. */
export interface AnswerSpec {
  readonly prediction: string
  readonly scores?: string
  readonly classes?: readonly string[]
}

/** Open Inference Protocol v2 datatypes that models here take. */
export const DATATYPES = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
] as const
export type Datatype = (typeof DATATYPES)[number]
