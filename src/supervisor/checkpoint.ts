import { existsSync } from 'node:fs'
import { readTree } from '../artifacts/read.ts'
import { checkTreeFiles } from '../artifacts/tree-paths.ts'
import { collectOutputs } from './collect-outputs.ts'
import type { AttemptEnd } from './attempt-end.ts'
import { fileAt, type ArtifactRef, type TreeFile } from '../core/tree.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import type { LogFile } from './log-file.ts'
import type { Store } from '../core/ports/store.ts'
import { counted } from '../lib/counted.ts'

/** Storing what may be gigabytes, of an attempt that has ended. */
const COLLECT_MS = 5 * 60_000

/**
 * What an attempt begins with beside its inputs: what the one before left. Where that cannot be used the attempt
 * begins anew, and its log says why.
 */
export async function checkpointFiles(order: AttemptOrder, store: Store, log: LogFile): Promise<readonly TreeFile[]> {
  const { checkpoint } = order
  if (!checkpoint) return []
  try {
    const found = await filesOfLost(order, store)
    const inputs = new Set(order.inputs.map(({ path }) => path))
    const files = (found.length > 0 ? found : checkpoint.files).filter(({ path }) => !inputs.has(path))
    checkTreeFiles([...order.inputs, ...files])
    if (files.length > 0) log.note(`goes on from ${describe(files)} of the attempt before`)
    return files
  } catch (error) {
    log.note(`the checkpoint of the attempt before cannot be used, so it begins anew: ${String(error)}`)
    return []
  }
}

/** Nobody could store what a lost attempt had written: it still stands where that attempt ran. */
async function filesOfLost(order: AttemptOrder, store: Store): Promise<TreeFile[]> {
  const workspace = order.checkpoint?.lostWorkspace
  if (workspace === undefined || !existsSync(workspace)) return []
  const found = await collect({ ...order, workspace }, store)
  const files: TreeFile[] = []
  for (const [path, ref] of Object.entries(found)) files.push(...(await filesOf(store, path.replace(/\/$/, ''), ref)))
  return files
}

async function filesOf(store: Store, path: string, ref: ArtifactRef): Promise<TreeFile[]> {
  if (ref.kind === 'file') return [fileAt(path, ref)]
  return (await readTree(store, ref.digest)).files.map((file) => ({ ...file, path: `${path}/${file.path}` }))
}

function describe(files: readonly TreeFile[]): string {
  const [first] = files
  return files.length === 1 ? (first?.path ?? '') : `${first?.path} and ${counted(files.length - 1, 'more file')}`
}

/** The end of an attempt with what it hands to the next one: nothing where it succeeded. */
export async function withCheckpoint(
  order: AttemptOrder,
  end: AttemptEnd,
  store: Store,
  log: LogFile,
): Promise<AttemptEnd> {
  if (!order.checkpoint || end.outcome === 'succeeded') return end
  try {
    const checkpoint = await collect(order, store)
    return Object.keys(checkpoint).length === 0 ? end : { ...end, checkpoint }
  } catch (error) {
    log.note(`its checkpoint could not be stored: ${String(error)}`)
    return end
  }
}

async function collect(order: AttemptOrder, store: Store): Promise<Record<string, ArtifactRef>> {
  const paths = order.checkpoint?.paths ?? []
  return (await collectOutputs(order, paths, store, AbortSignal.timeout(COLLECT_MS))).found
}
