import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { isPandasIndex } from '../../core/map-columns.ts'
import {
  describeColumns,
  openAnalytics,
  sqlName,
  tableReader,
  type DuckDBConnection,
} from '../../lib/open-analytics.ts'
import type { TaskContext } from '../../core/task.ts'

/** A connection whose larger results spill beside the workspace. */
export async function withTables<T>(
  context: TaskContext,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  await using analytics = await openAnalytics({ spillFolder: join(context.workspace, '.tidegate-spill') })
  return await analytics.use(work)
}

/** Makes a view of a file and answers its columns with their types. Fails with INVALID_INPUT for what is no table. */
export async function viewTable(
  connection: DuckDBConnection,
  { workspace }: TaskContext,
  path: string,
  view: string,
): Promise<Map<string, string>> {
  const file = join(workspace, path)
  const isThere = await access(file).then(
    () => true,
    () => false,
  )
  if (!isThere)
    throw new AppError(
      'INVALID_INPUT',
      `${path} is not there: the tidegate.yaml of this change does not make it, or does not name it in a gate`,
    )
  const reader = tableReader(file)
  if (reader === undefined)
    throw new AppError('INVALID_INPUT', `${path} is not a table Tidegate can read: write it as .parquet or .csv`)
  try {
    const create = `create or replace temp view ${sqlName(view)} as select`
    await connection.run(`${create} * from ${reader}`)
    const columns = await describeColumns(connection, view)
    const index = [...columns.keys()].filter(isPandasIndex)
    if (index.length === 0) return columns
    // Where a row stood makes no two rows different.
    await connection.run(`${create} * exclude (${index.map(sqlName).join(', ')}) from ${reader}`)
    return await describeColumns(connection, view)
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new AppError('INVALID_INPUT', `${path} cannot be read: ${line}`, {}, { cause: error })
  }
}

/** Whether DuckDB's type holds numbers. */
export function isNumeric(type: string): boolean {
  return /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|REAL|DECIMAL)/.test(type)
}
