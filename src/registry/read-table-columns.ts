import type { Datatype } from '../core/bundle.ts'
import { AppError } from '../core/errors.ts'
import { describeColumns, openAnalytics, tableReader } from '../lib/open-analytics.ts'

export interface TableColumn {
  readonly name: string
  readonly datatype: Datatype
}

const DATATYPE_OF: Readonly<Record<string, Datatype>> = {
  BOOLEAN: 'BOOL',
  TINYINT: 'INT8',
  SMALLINT: 'INT16',
  INTEGER: 'INT32',
  BIGINT: 'INT64',
  UTINYINT: 'UINT8',
  USMALLINT: 'UINT16',
  UINTEGER: 'UINT32',
  UBIGINT: 'UINT64',
  FLOAT: 'FP32',
  DOUBLE: 'FP64',
}

/** The columns of a Parquet or CSV file, in order. Fails with INVALID_INPUT for anything else. */
export async function readTableColumns(path: string): Promise<TableColumn[]> {
  const reader = tableReader(path)
  const name = path.split('/').at(-1) ?? path
  if (reader === undefined)
    throw new AppError('INVALID_INPUT', `${name} is not a table Tidegate can read: write it as .parquet or .csv.`)
  await using analytics = await openAnalytics()
  return await analytics.use(async (connection) => {
    try {
      await connection.run(`create temp view the_table as select * from ${reader}`)
    } catch (error) {
      throw new AppError(
        'INVALID_INPUT',
        `${name} cannot be read as a table: ${(error as Error).message.split('\n')[0] ?? ''}`,
        {},
        { cause: error },
      )
    }
    const columns = await describeColumns(connection, 'the_table')
    return [...columns].map(([column, type]) => ({ name: column, datatype: datatypeOf(type) }))
  })
}

function datatypeOf(type: string): Datatype {
  return DATATYPE_OF[type] ?? (type.startsWith('DECIMAL') ? 'FP64' : 'BYTES')
}
