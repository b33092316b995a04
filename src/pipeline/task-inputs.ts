import type { DvcOut } from './dvc-out.ts'
import type { DatasetSpec, EvaluationSpec, EvaluationTask, GateSpec, ModelSpec } from './pipeline.ts'

/** What the plan puts into `TaskWork.input` of each of our tasks; the flow's `prepare` adds the rest. */
export interface TaskInputs {
  readonly 'build-environment': {
    /** `default`, or a name of `build.environments`. */
    readonly name: string
    readonly python?: string
    /** Files of the commit: requirement files, pyproject.toml or setup.py. Empty: the bare interpreter. */
    readonly dependencies: readonly string[]
    readonly system: readonly string[]
    /** Names of secrets that become variables of pip and uv. */
    readonly secrets?: readonly string[]
    readonly interpreter?: string
    /** Folder of a project: what its `[build-system]` requires, in place of `dependencies`. */
    readonly buildSystem?: string
  }
  readonly 'build-image': {
    /** The Dockerfile, and the folder that it may copy from. */
    readonly file: string
    readonly context: string
    /** Of a Dockerfile with several stages: the one that is wanted. */
    readonly target?: string
  }
  readonly 'check-sources': {
    /** Keys of the steps that build them. */
    readonly environments: readonly string[]
    readonly commands: readonly {
      readonly step: string
      readonly run: string
      readonly environment: string
      readonly deps?: readonly string[]
    }[]
    /** Dependency files of each environment, by its key. */
    readonly dependencies?: Readonly<Record<string, readonly string[]>>
    /** Paths that exist only once steps have run: their absence is no finding. */
    readonly dataPaths: readonly string[]
  }
  readonly 'freeze-dataset': {
    readonly path: string
    readonly source: DatasetSpec
    /** What the commit says of an output of DVC. */
    readonly dvc?: DvcOut
  }
  readonly 'check-datasets': { readonly paths: readonly string[] }
  readonly 'make-bundle': { readonly name: string; readonly model: ModelSpec }
  readonly evaluate: {
    readonly evaluation: EvaluationSpec
    /** Metrics that gates, guard rails and monitors name. */
    readonly metrics: readonly string[]
    readonly slices: readonly string[]
    /** Of `predictions`: their labels stand in a dataset that no step sees. */
    readonly labelsAreHidden: boolean
    /** A gate looks at latency. */
    readonly latency: boolean
  }
  readonly gate: { readonly gates: readonly GateSpec[]; readonly task?: EvaluationTask }
  readonly register: { readonly name: string }
}
