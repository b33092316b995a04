import type { Task, TaskOutput } from '../core/task.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'

export type CheckDatasetsInput = TaskInputs['check-datasets'] & {
  /** Absent: there was no run before, so everything is new. */
  readonly previous?: { readonly run: string; readonly digests: Readonly<Record<string, string>> }
  /** Path → digest of this run. */
  readonly current: Readonly<Record<string, string>>
}

export interface CheckDatasetsOutput extends TaskOutput {
  /** Paths whose digest is another than before. */
  readonly result?: { readonly changed: readonly string[] }
}

/** A retraining run for which no dataset has changed would make the same model again: it is refused. */
export function createCheckDatasetsTask(): Task<CheckDatasetsInput, CheckDatasetsOutput> {
  return {
    name: 'check-datasets',
    async run({ paths, previous, current }, context) {
      const changed = paths.filter((path) => previous === undefined || previous.digests[path] !== current[path])
      if (changed.length > 0 || previous === undefined) {
        context.log(`changed: ${changed.join(', ')}`)
        return { result: { changed } }
      }
      const message = `no dataset has changed since run ${previous.run} (${paths.join(', ')}), so training would give the same model`
      return { result: { changed }, failure: { reason: 'refused', message } }
    },
  }
}
