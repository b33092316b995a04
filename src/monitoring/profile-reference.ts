import { extname } from 'node:path'
import { AppError } from '../core/errors.ts'
import { referenceBins } from '../statistics/reference-bins.ts'
import { categorySql, countCategories, countNumbers, type NumberQuestion } from './count-columns.ts'
import {
  describeColumns,
  queryRows,
  sqlName,
  sqlText,
  type Analytics,
  type DuckDBConnection,
} from '../lib/open-analytics.ts'
import type { CategoryReference, ColumnReference, NumberReference, ReferenceProfile } from './reference-profile.ts'

/** Enough for twenty bins of 5 % to be off by less than a thousandth. */
const SAMPLE_ROWS = 200_000
const MOST_CATEGORIES = 255

export interface ReferenceFile {
  /** A Parquet file by its ending `.parquet` or `.pq`, else CSV with a header line. */
  readonly file: string
  /** The model's input columns. */
  readonly columns: readonly string[]
}

/** Reads the reference rows of a bundle once. Every later window is compared with the answer. */
export async function profileReference(
  analytics: Analytics,
  { file, columns }: ReferenceFile,
): Promise<ReferenceProfile> {
  return analytics.use(async (connection) => {
    const types = await openFile(connection, file)
    const present = columns.filter((column) => types.has(column))
    const numbers = await numberReferences(
      connection,
      present.filter((column) => isNumber(types.get(column)!)),
    )
    const profiled: Record<string, ColumnReference> = {}
    for (const column of present)
      profiled[column] = numbers.get(column) ?? (await otherReference(connection, column, types.get(column)!))
    const [counted] = await queryRows(connection, 'select count(*)::double as n from reference')
    return {
      version: 1,
      rows: Number(counted!['n']),
      columns: profiled,
      missing: columns.filter((column) => !types.has(column)),
    }
  })
}

async function openFile(connection: DuckDBConnection, file: string): Promise<Map<string, string>> {
  const isParquet = ['.parquet', '.pq'].includes(extname(file).toLowerCase())
  const reader = isParquet
    ? `read_parquet(${sqlText(file)})`
    : `read_csv(${sqlText(file)}, header = true, sample_size = -1)`
  try {
    await connection.run(`create temp view reference as select * from ${reader}`)
    return await describeColumns(connection, 'reference')
  } catch (error) {
    const message = `The reference file ${file} cannot be read as ${isParquet ? 'Parquet' : 'CSV'}: ${(error as Error).message}`
    throw new AppError('INVALID_INPUT', message, { file }, { cause: error })
  }
}

// Booleans too: one tool logs true and another 1, and as numbers they agree.
function isNumber(type: string): boolean {
  return /^(BOOLEAN|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/.test(type)
}

async function numberReferences(
  connection: DuckDBConnection,
  columns: readonly string[],
): Promise<Map<string, NumberReference>> {
  const questions = new Map<string, NumberQuestion>()
  for (const column of columns) questions.set(column, await questionFor(connection, column))
  const counted = await countNumbers(connection, 'reference', questions)
  return new Map(
    [...counted].map(([column, { counts, nulls, nans, infinities }]) => [
      column,
      { kind: 'number', ...questions.get(column)!, counts, nulls, nans, infinities },
    ]),
  )
}

async function questionFor(connection: DuckDBConnection, column: string): Promise<NumberQuestion> {
  const value = `cast(${sqlName(column)} as double)`
  const finite = `select ${value} as value from reference where isfinite(${value})`
  const [ends] = await queryRows(connection, `select min(value) as low, max(value) as high from (${finite})`)
  // Above that size a second making may draw other rows: a profile is made once and stored.
  const sample = await connection.runAndReadAll(
    `select value from (${finite}) using sample reservoir(${SAMPLE_ROWS} rows)`,
  )
  const values = (sample.getColumnsJS()[0] ?? []) as number[]
  return { edges: referenceBins(values), min: ends!['low'] as number | null, max: ends!['high'] as number | null }
}

async function otherReference(connection: DuckDBConnection, column: string, type: string): Promise<ColumnReference> {
  return type === 'VARCHAR' || type.startsWith('ENUM')
    ? categoryReference(connection, column)
    : { kind: 'unsupported', type }
}

async function categoryReference(connection: DuckDBConnection, column: string): Promise<CategoryReference> {
  const rows = await queryRows(
    connection,
    `select ${categorySql(column)} as value
     from reference
     where ${sqlName(column)} is not null
     group by 1
     order by count(*) desc, 1
     limit ${MOST_CATEGORIES}`,
  )
  const categories = rows.map((row) => row['value'] as string)
  const { counts, nulls } = await countCategories(connection, 'reference', column, categories)
  return { kind: 'category', categories, counts, nulls }
}
