import type { PlanStep } from '../core/plan.ts'
import type { ArtifactRef, TreeFile } from '../core/tree.ts'
import type { RunRow } from '../db/tables.ts'
import { getPlan, listSteps } from '../engine/runs.sql.ts'
import { parseOutputs } from '../engine/step-outputs.ts'
import type { Installation } from './installation.ts'
import { contentTrouble, filesOf } from './stored-trees.ts'

/** An output of a step, as people take it away. `files` are relative to it; of a file it is one, with no path. */
export interface RunArtifact {
  readonly step: string
  readonly path: string
  readonly ref: ArtifactRef
  readonly files: readonly TreeFile[]
  /** Why it cannot be fetched any more; its files are not known then. */
  readonly trouble: string | undefined
}

/**
 * What the steps of a run wrote, in the plan's order. Datasets are not among
 * them: they have their own page, and some of them are hidden from whoever may look at a run.
 */
export async function runArtifacts(
  { database, store }: Pick<Installation, 'database' | 'store'>,
  run: RunRow,
): Promise<RunArtifact[]> {
  const shown = new Set((await getPlan(database.read, run.id)).steps.filter(isShown).map(({ key }) => key))
  const artifacts: RunArtifact[] = []
  for (const { key, outputs } of await listSteps(database.read, run.id)) {
    if (outputs === null || !shown.has(key)) continue
    for (const [path, ref] of Object.entries(parseOutputs(outputs).outs)) {
      const trouble = await contentTrouble(store, ref.digest, ref.kind === 'file' ? ref.size : -1)
      const files = trouble === undefined ? await filesOf(store, ref) : []
      artifacts.push({ step: key, path: path.replace(/\/+$/, ''), ref, files, trouble })
    }
  }
  return artifacts
}

function isShown({ work, audience }: PlanStep): boolean {
  return audience === undefined && (work.kind === 'command' || work.task === 'build-image')
}
