import type { PlanStep, TaskName } from '../core/plan.ts'
import { limit } from '../core/limits.ts'
import type { StepStage } from '../core/stages.ts'
import type { Path } from './path.ts'
import type { TaskInputs } from './task-inputs.ts'

/** A step of a plan before it is known what it waits for. */
export interface Draft {
  /** The name in the file: members of a matrix share it. Of our own steps the key. */
  readonly name: string
  readonly ours: boolean
  /** Where the file speaks of it. */
  readonly path: Path
  readonly step: Omit<PlanStep, 'needs'>
  /** Named needs. */
  readonly needs: readonly { readonly step: string; readonly optional: boolean }[]
  /** Waits for all steps of earlier stages. */
  readonly waitsForStages: boolean
  /** Where each dep stands in the file. */
  readonly depPaths: readonly Path[]
}

interface TaskDraft<Name extends TaskName> {
  readonly key: string
  readonly task: Name
  readonly stage: StepStage
  readonly input: TaskInputs[Name]
  readonly path: Path
  readonly deps?: readonly { readonly dep: string; readonly path: Path }[]
  readonly outs?: readonly string[]
  readonly audience?: readonly string[]
  readonly uses?: readonly string[]
  readonly needs?: Draft['needs']
  readonly cache?: boolean
}

/** A step of ours; it waits for what it needs, never for a whole stage. */
export function taskDraft<Name extends TaskName>(task: TaskDraft<Name>): Draft {
  const deps = task.deps ?? []
  return {
    name: task.key,
    ours: true,
    path: task.path,
    needs: task.needs ?? [],
    waitsForStages: false,
    depPaths: deps.map(({ path }) => path),
    step: {
      key: task.key,
      stage: task.stage,
      uses: task.uses ?? [],
      work: { kind: 'task', task: task.task, input: task.input },
      deps: deps.map(({ dep }) => dep),
      params: [],
      outs: task.outs ?? [],
      ...(task.audience === undefined ? {} : { audience: task.audience }),
      metrics: [],
      reports: {},
      cache: task.cache ?? false,
      runsOn: 'local',
      resources: { cpus: 1, gpus: 0 },
      timeoutMs: limit('stepTimeoutMs'),
      retry: { on: ['executor-lost'], limit: 1 },
    },
  }
}
