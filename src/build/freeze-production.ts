import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import type { TaskContext } from '../core/task.ts'
import type { ArtifactRef } from '../core/tree.ts'
import { hasCode } from '../lib/error-code.ts'
import {
  describeColumns,
  openAnalytics,
  queryRows,
  sqlName,
  sqlText,
  type DuckDBConnection,
} from '../lib/open-analytics.ts'

export interface ProductionQuestion {
  /** Of the whole installation: `<folder>/<project>/<environment>/` with Parquet files at any depth. */
  readonly predictionsFolder: string
  readonly project: string
  readonly environment: string
  /** JSON lines `{prediction_id, row, label}`, in the order they were told: a file, or its content in the store. */
  readonly labels: string | ArtifactRef
  /** Epoch milliseconds: only rows up to this, and after this minus `windowMs`. */
  readonly until: number
  readonly windowMs?: number
  /** Only rows whose label has arrived. */
  readonly labelled: boolean
}

/**
 * Writes what production has seen as Parquet: the input columns, `label`, and `_id`, `_row`, `_at`. Sorted,
 * so that equal content gives equal bytes. Without a row a table with just the columns `_id`
 * and `label`: that is how every model starts. Returns the number of rows.
 */
export async function freezeProduction(
  question: ProductionQuestion,
  target: string,
  context: TaskContext,
): Promise<number> {
  const files = await listParquet(join(question.predictionsFolder, question.project, question.environment))
  // One thread: with several, DuckDB may cut row groups differently from one time to the next.
  await using analytics = await openAnalytics({ threads: 1, spillFolder: join(context.workspace, 'spill') })
  return await analytics.use(async (connection) => {
    await loadLabels(connection, await labelFile(question.labels, context))
    await connection.run(await createFrozen(connection, files, question))
    const [row] = await queryRows(connection, 'select count(*)::double as n from frozen')
    const rows = Number(row?.['n'] ?? 0)
    // Predictions without labels are no feedback: the same nothing as before, with the same digest.
    if (rows === 0) await connection.run(`create or replace temp table frozen (_id varchar, label varchar)`)
    await connection.run(`copy (select * from frozen) to ${sqlText(target)} (format parquet, compression zstd)`)
    return rows
  })
}

async function labelFile(labels: string | ArtifactRef, { artifacts, workspace }: TaskContext): Promise<string> {
  if (typeof labels === 'string') return labels
  const path = join(workspace, 'labels.ndjson')
  await artifacts.restore(labels, path)
  return path
}

/** The last label of each row holds. */
async function loadLabels(connection: DuckDBConnection, file: string): Promise<void> {
  const columns = "{prediction_id: 'varchar', \"row\": 'integer', label: 'varchar'}"
  await connection.run(
    `create temp table told as
     select prediction_id, "row" as told_row, label, row_number() over () as position
     from read_ndjson(${sqlText(file)}, columns = ${columns})`,
  )
  await connection.run(
    `create temp table labels as
     select prediction_id, told_row, arg_max(label, position) as label
     from told
     group by prediction_id, told_row`,
  )
}

async function createFrozen(
  connection: DuckDBConnection,
  files: readonly string[],
  { until, windowMs, labelled }: ProductionQuestion,
): Promise<string> {
  if (files.length === 0) return 'create temp table frozen (_id varchar, label varchar)'
  const list = files.map(sqlText).join(', ')
  await connection.run(
    `create temp view predictions as select * from read_parquet([${list}], union_by_name = true, hive_partitioning = false)`,
  )
  const columns = await describeColumns(connection, 'predictions')
  for (const needed of ['_id', '_row', '_at', '_status']) {
    if (!columns.has(needed))
      throw new AppError('DAMAGED', `The prediction log in ${files[0] ?? ''} has no column ${needed}.`)
  }
  const inputs = [...columns.keys()].filter((name) => !name.startsWith('_') && name !== 'label')
  await connection.run(
    `create temp table joined as
     select ${[...inputs, '_id', '_row', '_at'].map((name) => `p.${sqlName(name)}`).join(', ')}, l.label
     from predictions p ${labelled ? '' : 'left'} join labels l on l.prediction_id = p._id and l.told_row = p._row
     where p._status = 200 and p._at <= ${until}
       ${windowMs === undefined ? '' : `and p._at > ${until - windowMs}`}`,
  )
  const type = await labelType(connection)
  const picked = [...inputs.map(sqlName), `label::${type} as label`, '_id', '_row', '_at']
  return `create temp table frozen as select ${picked.join(', ')} from joined order by _at, _id, _row`
}

/** Labels are logged as text; where all are numbers they are numbers again, as in the author's own table. */
async function labelType(connection: DuckDBConnection): Promise<'bigint' | 'double' | 'varchar'> {
  const [row] = await queryRows(
    connection,
    `select count(label)::double as labels,
       (count(*) filter (where regexp_full_match(label, '-?[0-9]{1,18}')))::double as whole,
       count(try_cast(label as double))::double as numbers
     from joined`,
  )
  const { labels, whole, numbers } = row as { labels: number; whole: number; numbers: number }
  if (labels === 0 || numbers < labels) return 'varchar'
  return whole === labels ? 'bigint' : 'double'
}

async function listParquet(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder, { recursive: true })
    return names
      .filter((name) => name.endsWith('.parquet'))
      .toSorted()
      .map((name) => join(folder, name))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
