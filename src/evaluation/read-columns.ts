import { AppError } from '../core/errors.ts'
import { queryRows, sqlName, sqlText, type DuckDBConnection } from '../lib/open-analytics.ts'
import type { Coded } from './coded-column.ts'
import { columnText, ROW } from './read-table.ts'

/** One number for each row, in the file's order, as a stream: ten million take a second and their own 80 MB. */
export async function readDoubles(
  connection: DuckDBConnection,
  expression: string,
  rows: number,
): Promise<Float64Array> {
  const values = new Float64Array(rows)
  await eachValue(connection, `(${expression})::double`, (value, row) => (values[row] = value))
  return values
}

async function eachValue(
  connection: DuckDBConnection,
  expression: string,
  see: (value: number, row: number) => void,
): Promise<void> {
  const result = await connection.stream(`select ${expression} from held_out order by "${ROW}"`)
  let row = 0
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    const column = chunk.getColumnVector(0)
    for (let i = 0; i < chunk.rowCount; i++) see(column.getItem(i) as number, row++)
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
  return readDoubles(connection, number, rows)
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
  const found = await queryRows(
    connection,
    `select distinct ${full} as value from held_out order by value limit ${MOST_VALUES + 1}`,
  )
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
  const [counted] = await queryRows(connection, `select count(distinct ${text})::double as n from held_out`)
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
  const [row] = await queryRows(
    connection,
    `select count(*)::double as missing, min("${ROW}")::double as first,
      (select count(*)::double from held_out) as total from held_out where ${isMissing}`,
  )
  const missing = Number(row?.['missing'] ?? 0)
  if (missing === 0) return
  throw new AppError(
    'INVALID_INPUT',
    `${file}: ${missing} of ${Number(row?.['total'])} rows have no usable value in "${column}", the first is row ${Number(row?.['first'])}. Leave such rows out.`,
  )
}
