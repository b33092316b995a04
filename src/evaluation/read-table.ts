import type { Datatype } from '../core/bundle.ts'
import { AppError } from '../core/errors.ts'
import { describeColumns, queryRows, sqlName, tableReader, type DuckDBConnection } from '../lib/open-analytics.ts'

/** Rows that are sent through hosts; beyond this it takes longer than anybody waits. */
const MOST_ASKED_ROWS = 500_000
/** Rows that are answered already, in `predictions`. */
const MOST_ANSWERED_ROWS = 50_000_000

export interface OpenedTable {
  readonly columns: readonly string[]
  readonly rows: number
}

export interface TableFile {
  readonly file: string
  /** As people know it. */
  readonly name: string
  /** Its rows are not sent to a model. */
  readonly isAnswered: boolean
  /** Default: `held_out`. */
  readonly table?: string
}

/** Makes a table of a file. Fails with INVALID_INPUT for what is no table. */
export async function openTable(
  connection: DuckDBConnection,
  { file, name, isAnswered, table = 'held_out' }: TableFile,
): Promise<OpenedTable> {
  const reader = tableReader(file)
  if (reader === undefined)
    throw new AppError('INVALID_INPUT', `${name} is not a table Tidegate can read: write it as .parquet or .csv.`)
  try {
    await connection.run(`create temp ${await readerOf(connection, table, reader, isAnswered)}`)
  } catch (error) {
    throw new AppError('INVALID_INPUT', `${name} cannot be read: ${firstLine(error)}`, {}, { cause: error })
  }
  const [row] = await queryRows(connection, `select count(*)::double as n from ${table}`)
  const rows = Number(row?.['n'] ?? 0)
  if (rows === 0) throw new AppError('INVALID_INPUT', `${name} has no rows: there is nothing to evaluate on.`)
  const most = isAnswered ? MOST_ANSWERED_ROWS : MOST_ASKED_ROWS
  if (rows > most)
    throw new AppError('INVALID_INPUT', `${name} has ${rows} rows; at most ${most} can be evaluated. Take a sample.`)
  const columns = [...(await describeColumns(connection, table)).keys()].filter((column) => column !== ROW)
  return { columns, rows }
}

/** A column that Parquet's reader adds: its name is not free for the file's own. */
const PARQUET_ROW = 'file_row_number'

/**
 * Rows that are answered are read once, column by column, and Parquet can do that where it lies: ten million in
 * a table of their own take 3 s and 1 GB. Rows for a model are looked up by their numbers, in a table.
 */
async function readerOf(
  connection: DuckDBConnection,
  table: string,
  reader: string,
  isAnswered: boolean,
): Promise<string> {
  const inPlace = reader.replace(/^read_parquet\((.*)\)$/s, `read_parquet($1, ${PARQUET_ROW} = true)`)
  if (isAnswered && inPlace !== reader) {
    const columns = (await queryRows(connection, `describe select * from ${reader}`)).map((row) => row['column_name'])
    if (!columns.includes(PARQUET_ROW))
      return `view ${table} as select ${PARQUET_ROW} + 1 as "${ROW}", * exclude (${PARQUET_ROW}) from ${inPlace}`
  }
  return `table ${table} as select row_number() over () as "${ROW}", * from ${reader}`
}

/** The number of a row in its file, from 1; DuckDB keeps a file's order. */
export const ROW = '__tidegate_row'

export function requireColumn(columns: readonly string[], column: string, name: string, what: string): void {
  if (columns.includes(column)) return
  throw new AppError('INVALID_INPUT', `${name} has no column "${column}" (${what}). Its columns are ${some(columns)}.`)
}

/** A column as text; null where there is no value. NaN is no value. */
export function columnText(column: string, table?: string): string {
  const name = table === undefined ? sqlName(column) : `${table}.${sqlName(column)}`
  return `case when typeof(${name}) in ('FLOAT', 'DOUBLE') and isnan(try_cast(${name} as double)) then null else ${name}::varchar end`
}

/** One column as text, in the file's order. */
export async function readText(connection: DuckDBConnection, column: string): Promise<(string | null)[]> {
  return (await readColumns(connection, [columnText(column)]))[0] as (string | null)[]
}

const SQL_TYPES: Partial<Record<Datatype, string>> = {
  BOOL: 'boolean',
  INT64: 'bigint',
  UINT64: 'ubigint',
  BYTES: 'varchar',
}

export type Cell = number | bigint | boolean | string | null

/** What fills a tensor. */
export interface WantedCells {
  readonly columns: readonly string[]
  readonly datatype: Datatype
}

type Stretch = { readonly from: number; readonly count: number }

/**
 * Values of columns for a stretch of rows, as each tensor's datatype needs them, by tensor and column. One query for
 * all: a Python class has a tensor for each column. Fails with INVALID_INPUT for text where a number is needed.
 */
export async function readCells(
  connection: DuckDBConnection,
  wanted: readonly WantedCells[],
  stretch: Stretch,
): Promise<Cell[][][]> {
  const expressions = wanted.flatMap(({ columns, datatype }) =>
    columns.map((column) => `${sqlName(column)}::${SQL_TYPES[datatype] ?? 'double'}`),
  )
  const where = `where "${ROW}" > ${stretch.from} and "${ROW}" <= ${stretch.from + stretch.count}`
  try {
    const cells = (await readColumns(connection, expressions, where)) as Cell[][]
    return wanted.map(({ columns }) => cells.splice(0, columns.length))
  } catch (error) {
    // Asked alone, the columns that are to blame are named.
    if (wanted.length > 1) for (const one of wanted) await readCells(connection, [one], stretch)
    const columns = wanted.flatMap((one) => one.columns)
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
