import { AppError } from '../core/errors.ts'
import { queryRows, sqlName, sqlText, type DuckDBConnection } from '../lib/open-analytics.ts'
import type { Coded } from './coded-column.ts'
import { columnText, ROW } from './read-table.ts'

/** Where a column goes in an array that may hold others beside it. */
interface Strided {
  readonly into: Float64Array
  readonly first: number
  readonly step: number
}

/** One number for each row, in the file's order, as a stream: ten million take half a second. */
export async function readDoubles(
  connection: DuckDBConnection,
  expression: string,
  { into, first, step }: Strided,
): Promise<void> {
  await eachValue(connection, `(${expression})::double`, (value, row) => (into[first + row * step] = value))
}

/**
 * Each value comes with the row it is of: nothing is sorted, and nothing depends on the order in which DuckDB's
 * threads read the file.
 */
async function eachValue(
  connection: DuckDBConnection,
  expression: string,
  see: (value: number, row: number) => void,
): Promise<void> {
  const result = await read(() => connection.stream(`select "${ROW}"::integer, ${expression} from held_out`))
  for (;;) {
    const chunk = await read(() => result.fetchChunk())
    // The count is asked of native code: once for a chunk, not for every row.
    const count = chunk?.rowCount ?? 0
    if (chunk === null || count === 0) return
    const [rows, values] = [chunk.getColumnVector(0), chunk.getColumnVector(1)]
    for (let i = 0; i < count; i++) see(values.getItem(i) as number, (rows.getItem(i) as number) - 1)
  }
}

/** What is read where it lies is found broken only now. */
async function read<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new AppError('INVALID_INPUT', `the held-out rows cannot be read: ${reason}`, {}, { cause: error })
  }
}

/** A column of numbers in which none may be missing. */
export async function readNumbers(
  connection: DuckDBConnection,
  column: string,
  file: string,
  rows: number,
): Promise<Float64Array> {
  const number = `try_cast(${sqlName(column)} as double)`
  await refuseMissing(connection, `${number} is null or isnan(${number})`, column, file)
  const into = new Float64Array(rows)
  await readDoubles(connection, number, { into, first: 0, step: 1 })
  return into
}

/** Beyond this a column is an identifier, not a class. */
const MOST_VALUES = 100_000

/** A column of texts, each different one once. Absent values are refused, or `none`. */
export async function readCodes(
  connection: DuckDBConnection,
  column: string,
  file: string,
  rows: number,
  none?: string,
): Promise<Coded> {
  const text = columnText(column)
  if (none === undefined) await refuseMissing(connection, `${text} is null`, column, file)
  const full = none === undefined ? text : `coalesce(${text}, ${sqlText(none)})`
  const distinct = `select distinct ${full} as value from held_out order by value limit ${MOST_VALUES + 1}`
  const found = await read(() => queryRows(connection, distinct))
  if (found.length > MOST_VALUES) {
    throw new AppError('INVALID_INPUT', `${file}: "${column}" has more than ${MOST_VALUES} different values.`)
  }
  const values = found.map(({ value }) => String(value))
  await connection.run(
    `create or replace temp table code_names as select unnest([${values.map(sqlText).join(', ')}]) as value`,
  )
  await connection.run(
    'drop type if exists code_type; create temp type code_type as enum (select value from code_names)',
  )
  const of = values.length < 256 ? new Uint8Array(rows) : new Uint32Array(rows)
  await eachValue(connection, `enum_code((${full})::code_type)::integer`, (value, row) => (of[row] = value))
  return { values, of }
}

/**
 * Which unit each row belongs to, as numbers: texts of their own up to 65,536 different ones, beyond that as
 * many buckets by hash. A bucket of whole units is as independent of another as units are.
 */
export async function readUnits(
  connection: DuckDBConnection,
  column: string,
  file: string,
  rows: number,
): Promise<Uint32Array> {
  const text = columnText(column)
  await refuseMissing(connection, `${text} is null`, column, file)
  const [counted] = await read(() => queryRows(connection, `select count(distinct ${text})::double as n from held_out`))
  const units = new Uint32Array(rows)
  if (Number(counted?.['n']) > MOST_UNITS) {
    await eachValue(connection, `(hash(${text}) % ${MOST_UNITS})::integer`, (value, row) => (units[row] = value))
    return units
  }
  const { of } = await readCodes(connection, column, file, rows)
  units.set(of)
  return units
}

const MOST_UNITS = 65_536

async function refuseMissing(
  connection: DuckDBConnection,
  isMissing: string,
  column: string,
  file: string,
): Promise<void> {
  const counted = `select count(*)::double as missing, min("${ROW}")::double as first,
    (select count(*)::double from held_out) as total from held_out where ${isMissing}`
  const [row] = await read(() => queryRows(connection, counted))
  const missing = Number(row?.['missing'] ?? 0)
  if (missing === 0) return
  throw new AppError(
    'INVALID_INPUT',
    `${file}: ${missing} of ${Number(row?.['total'])} rows have no usable value in "${column}", the first is row ${Number(row?.['first'])}. Leave such rows out.`,
  )
}
