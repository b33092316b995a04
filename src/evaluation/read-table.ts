import type { Datatype } from '../core/bundle.ts'
import { AppError } from '../core/errors.ts'
import { describeColumns, queryRows, sqlName, tableReader, type DuckDBConnection } from '../lib/open-analytics.ts'

/** Beyond this the rows of an evaluation do not fit in memory with their answers. */
const MOST_ROWS = 500_000

/** Makes the table `held_out` of a file and answers its columns. Fails with INVALID_INPUT for what is no table. */
export async function openTable(connection: DuckDBConnection, file: string, name: string): Promise<readonly string[]> {
  const reader = tableReader(file)
  if (reader === undefined)
    throw new AppError('INVALID_INPUT', `${name} is not a table Tidegate can read: write it as .parquet or .csv.`)
  try {
    await connection.run(`create temp table held_out as select row_number() over () as "${ROW}", * from ${reader}`)
  } catch (error) {
    throw new AppError('INVALID_INPUT', `${name} cannot be read: ${firstLine(error)}`, {}, { cause: error })
  }
  const [row] = await queryRows(connection, 'select count(*)::double as n from held_out')
  const rows = Number(row?.['n'] ?? 0)
  if (rows === 0) throw new AppError('INVALID_INPUT', `${name} has no rows: there is nothing to evaluate on.`)
  if (rows > MOST_ROWS)
    throw new AppError(
      'INVALID_INPUT',
      `${name} has ${rows} rows; at most ${MOST_ROWS} can be evaluated. Take a sample.`,
    )
  return [...(await describeColumns(connection, 'held_out')).keys()].filter((column) => column !== ROW)
}

/** The number of a row in its file, from 1; DuckDB keeps a file's order. */
const ROW = '__tidegate_row'

export function requireColumn(columns: readonly string[], column: string, name: string, what: string): void {
  if (columns.includes(column)) return
  throw new AppError('INVALID_INPUT', `${name} has no column "${column}" (${what}). Its columns are ${some(columns)}.`)
}

/** One column as text, in the file's order; null where there is no value. NaN is no value. */
export async function readText(connection: DuckDBConnection, column: string): Promise<(string | null)[]> {
  const name = sqlName(column)
  const text = `case when typeof(${name}) in ('FLOAT', 'DOUBLE') and isnan(try_cast(${name} as double)) then null else ${name}::varchar end`
  return (await readColumns(connection, [text]))[0] as (string | null)[]
}

/** One column as numbers; null where there is none, or it is none. */
export async function readNumbers(connection: DuckDBConnection, column: string): Promise<(number | null)[]> {
  const values = (await readColumns(connection, [`try_cast(${sqlName(column)} as double)`]))[0] as (number | null)[]
  return values.map((value) => (value === null || Number.isNaN(value) ? null : value))
}

const SQL_TYPES: Partial<Record<Datatype, string>> = {
  BOOL: 'boolean',
  INT64: 'bigint',
  UINT64: 'ubigint',
  BYTES: 'varchar',
}

export type Cell = number | bigint | boolean | string | null

/**
 * Values of some columns for a stretch of rows, as a tensor's datatype needs them, by column. Fails with
 * INVALID_INPUT for text where a number is needed.
 */
export async function readCells(
  connection: DuckDBConnection,
  columns: readonly string[],
  datatype: Datatype,
  stretch: { readonly from: number; readonly count: number },
): Promise<Cell[][]> {
  const type = SQL_TYPES[datatype] ?? 'double'
  const wanted = columns.map((column) => `${sqlName(column)}::${type}`)
  const where = `where "${ROW}" > ${stretch.from} and "${ROW}" <= ${stretch.from + stretch.count}`
  try {
    return (await readColumns(connection, wanted, where)) as Cell[][]
  } catch (error) {
    throw new AppError('INVALID_INPUT', `${some(columns)}: ${firstLine(error)}`, {}, { cause: error })
  }
}

async function readColumns(
  connection: DuckDBConnection,
  expressions: readonly string[],
  where = '',
): Promise<unknown[][]> {
  const named = expressions.map((expression, i) => `${expression} as c${i}`).join(', ')
  const result = await connection.runAndReadAll(`select ${named} from held_out ${where} order by "${ROW}"`)
  return result.getColumnsJS()
}

function some(names: readonly string[]): string {
  return names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ')
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
}
