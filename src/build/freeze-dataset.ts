import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { AppError } from '../core/errors.ts'
import { failureOf, type Task, type TaskContext, type TaskOutput } from '../core/task.ts'
import type { Digest } from '../core/digest.ts'
import type { ArtifactRef } from '../core/tree.ts'
import { hasCode } from '../lib/error-code.ts'
import { openAnalytics, queryRows, tableReader } from '../lib/open-analytics.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import { freezeProduction, type ProductionQuestion } from './freeze-production.ts'

export type FreezeDatasetInput = TaskInputs['freeze-dataset'] & {
  /** As it was frozen last: then that is what the run uses. Datasets move with schedules and alerts, not with pushes. */
  readonly frozen?: { readonly artifact: ArtifactRef; readonly rows: number | null }
  /** Needed for `from: production`. */
  readonly production?: Omit<ProductionQuestion, 'windowMs' | 'labelled'>
}

export interface FreezeDatasetResult {
  readonly path: string
  readonly digest: Digest
  readonly artifact: ArtifactRef
  /** Null where the content is not a table we can count. */
  readonly rows: number | null
  readonly frozenBefore: boolean
}

export interface FreezeDatasetOutput extends TaskOutput {
  readonly result?: FreezeDatasetResult
}

export interface FreezeDatasetDeps {
  /** `file:` sources must lie in one of these: a commit must not read the server's own files. */
  readonly allowedFolders: readonly string[]
}

/** Names a dataset by the digest of what it is now, or was when it was frozen last. */
export function createFreezeDatasetTask(deps: FreezeDatasetDeps): Task<FreezeDatasetInput, FreezeDatasetOutput> {
  return {
    name: 'freeze-dataset',
    async run(input, context) {
      try {
        const frozenBefore = input.frozen !== undefined
        const { artifact, rows } = input.frozen ?? (await freeze(input, deps, context))
        const count = rows === null ? '' : `, ${rows} rows`
        context.log(`${input.path}: ${artifact.digest}${count}${frozenBefore ? ' (as frozen before)' : ''}`)
        return {
          outs: { [input.path]: artifact },
          result: { path: input.path, digest: artifact.digest, artifact, rows, frozenBefore },
        }
      } catch (error) {
        return failureOf(error)
      }
    },
  }
}

type Frozen = Pick<FreezeDatasetResult, 'artifact' | 'rows'>

async function freeze(input: FreezeDatasetInput, deps: FreezeDatasetDeps, context: TaskContext): Promise<Frozen> {
  const { source } = input
  if (source.kind === 'file') return freezeFile(source.source, deps, context)
  if (input.production === undefined) throw new Error('a dataset from production needs `production`')
  const window = source.windowMs === undefined ? {} : { windowMs: source.windowMs }
  const target = join(context.workspace, 'frozen.parquet')
  const rows = await freezeProduction({ ...input.production, ...window, labelled: source.labelled }, target, context)
  return { artifact: await context.artifacts.putFile(target), rows }
}

async function freezeFile(
  source: string,
  { allowedFolders }: FreezeDatasetDeps,
  { artifacts }: TaskContext,
): Promise<Frozen> {
  const path = await resolveSource(source)
  const allowed = await Promise.all(allowedFolders.map((folder) => realpath(folder).catch(() => folder)))
  if (!allowed.some((folder) => path === folder || path.startsWith(folder + sep))) {
    const where = allowedFolders.length === 0 ? 'none is allowed' : `allowed are ${allowedFolders.join(', ')}`
    throw new AppError(
      'INVALID_INPUT',
      `${source} is not in a folder that datasets may come from: ${where}. An administrator names them in the server's configuration.`,
    )
  }
  if ((await stat(path)).isDirectory()) return { artifact: await artifacts.putFolder(path), rows: null }
  return { artifact: await artifacts.putFile(path), rows: await countRows(path) }
}

async function resolveSource(source: string): Promise<string> {
  try {
    return await realpath(source)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR'))
      throw new AppError('INVALID_INPUT', `${source} is not on this server.`, {}, { cause: error })
    throw error
  }
}

/** For people to see; a file that is not the table its name says is their steps' to find out. */
async function countRows(path: string): Promise<number | null> {
  const reader = tableReader(path)
  if (reader === undefined) return null
  await using analytics = await openAnalytics()
  return await analytics.use(async (connection) => {
    try {
      const [row] = await queryRows(connection, `select count(*)::double as n from ${reader}`)
      return Number(row?.['n'] ?? 0)
    } catch {
      return null
    }
  })
}
