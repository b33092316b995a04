import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openArtifacts } from './artifacts/open-artifacts.ts'
import { planWorkingTree } from './cli/local/plan-working-tree.ts'
import { readWorkingTree } from './cli/local/working-tree.ts'
import type { Problem } from './core/problem.ts'
import { openDatabase } from './db/open-database.ts'
import { openFolderStore } from './drivers/store/folder/folder-store.ts'
import { newRunRow } from './engine/create-run.ts'
import { foreseePlan, type ForeseenStep } from './engine/foresee-plan.ts'
import { createKernel } from './engine/kernel.ts'
import { artifactTrouble, filesOf } from './flow/stored-trees.ts'
import { taskBindings } from './flow/task-bindings.ts'
import { appendLog } from './lib/append-log.ts'
import { newRun, placeOf, snapshot } from './local.ts'

export interface ExplainedPlan {
  readonly problems: readonly Problem[]
  /** Absent when the file has errors. */
  readonly steps?: readonly ForeseenStep[]
}

/**
 * What `tidegate run` of this folder would do now, without doing it: the same plan, asked of the same step
 * cache. What files hold is put into the store, as a run would; nothing else is written.
 */
export async function explainLocally(request: {
  readonly folder: string
  readonly dataFolder: string
}): Promise<ExplainedPlan> {
  await using opened = new AsyncDisposableStack()
  const tree = await readWorkingTree(request.folder)
  const planned = planWorkingTree(tree, [])
  if (planned.plan === undefined) return { problems: planned.problems }
  const place = placeOf(request)
  mkdirSync(request.dataFolder, { recursive: true, mode: 0o711 })
  mkdirSync(place.own, { recursive: true, mode: 0o700 })
  const store = opened.use(await openFolderStore(place.storeFolder))
  const sourceTree = await snapshot(store, place, tree)
  const database = opened.use(await openDatabase(`sqlite:${place.database}`))
  const artifacts = openArtifacts(store)
  const log = appendLog(join(place.own, 'engine.log'))
  const kernel = createKernel({
    database,
    dataFolder: place.own,
    storeFolder: place.storeFolder,
    executors: new Map(),
    readTree: (ref) => filesOf(store, ref),
    readBytes: (digest) => artifacts.read(digest),
    putBytes: (bytes) => artifacts.putBytes(bytes),
    artifactTrouble: (ref) => artifactTrouble(store, ref),
    tasks: taskBindings({ database, artifacts, dataFolder: place.own }),
    openStep: nothingRuns,
    closeStep: nothingRuns,
    readResults: nothingRuns,
    writeResults: nothingRuns,
    log,
  })
  const run = newRunRow(newRun({ refreshData: false }, tree, planned, sourceTree), 0)
  return { problems: planned.problems, steps: await foreseePlan(kernel, run, planned.plan) }
}

function nothingRuns(): never {
  throw new Error('nothing runs while a plan is explained')
}
