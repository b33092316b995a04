import type { RuntimeSpec } from '../../core/bundle.ts'
import type { Runtime } from '../../core/ports/runtime.ts'

/** The family's registry. Each is imported only by the model host that needs it: ONNX Runtime alone maps 40 MB. */
export const RUNTIMES: Readonly<Record<RuntimeSpec['kind'], () => Promise<Runtime>>> = {
  onnx: async () => (await import('./onnx/onnx-runtime.ts')).onnxRuntime,
  predict: async () => (await import('./process/predict-runtime.ts')).predictRuntime,
  mlflow: async () => (await import('./process/predict-runtime.ts')).predictRuntime,
  serve: async () => (await import('./process/serve-runtime.ts')).serveRuntime,
}
