import type { BinEdges } from '../statistics/reference-bins.ts'
import { queryRows, type Row, sqlName, sqlText, type DuckDBConnection } from '../lib/open-analytics.ts'
import type { CategoryReference, CategoryWindow, NumberReference, NumberWindow } from './reference-profile.ts'

/** What to count one numeric column by. */
export interface NumberQuestion {
  readonly edges: BinEdges
  readonly min: number | null
  readonly max: number | null
}

/** Values longer than this are told apart by their beginning only. */
const CATEGORY_LENGTH = 200
const EXAMPLES = 5

/** The text that stands for a value in a categorical column. */
export function categorySql(column: string): string {
  return `left(cast(${sqlName(column)} as varchar), ${CATEGORY_LENGTH})`
}

/**
 * Counts all numeric columns of a table in one scan. DuckDB's `histogram` puts NaN and -Infinity into the
 * first bin, hence the filters; an own last edge at Infinity keeps the map at full length.
 */
export async function countNumbers(
  connection: DuckDBConnection,
  table: string,
  columns: ReadonlyMap<string, NumberQuestion>,
): Promise<Map<string, NumberWindow>> {
  if (columns.size === 0) return new Map()
  const parts = [...columns].flatMap(([name, question], i) => numberSql(name, question, `c${i}_`))
  const [row] = await queryRows(connection, `select ${parts.join(',\n')} from ${sqlName(table)}`)
  return new Map([...columns].map(([name, { edges }], i) => [name, readNumbers(row!, `c${i}_`, edges)]))
}

/** Counts one categorical column. */
export async function countCategories(
  connection: DuckDBConnection,
  table: string,
  column: string,
  categories: readonly string[],
): Promise<CategoryWindow> {
  // A list that is empty needs its type said.
  const known = `list_contains([${categories.map(sqlText).join(', ')}]::varchar[], value)`
  const rows = await queryRows(
    connection,
    // Grouped by position: a column may well be named "value".
    `with counted as (
       select ${categorySql(column)} as value, count(*)::double as n
       from ${sqlName(table)}
       group by 1
     )
     select value, n, value is not null and ${known} as known, sum(n) over () as total
     from counted
     qualify value is null
       or known
       or row_number() over (partition by known order by value is null, n desc, value) <= ${EXAMPLES}
     order by n desc, value`,
  )
  return readCategories(rows, categories)
}

function numberSql(column: string, { edges, min, max }: NumberQuestion, prefix: string): string[] {
  const raw = sqlName(column)
  const value = `try_cast(${raw} as double)`
  const upTo = [...edges.map((edge) => `'${edge}'`), "'infinity'"].join(', ')
  const slack = 1e-6 * Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0))
  const where = (condition: string, name: string): string =>
    `(count(*) filter (where ${condition}))::double as ${prefix}${name}`
  return [
    `map_values(histogram(${value}, [${upTo}]::double[]) filter (where isfinite(${value})))::double[] as ${prefix}counts`,
    where(`${raw} is null`, 'nulls'),
    where(`isnan(${value})`, 'nans'),
    where(`isinf(${value})`, 'infinities'),
    where(`${value} is null and ${raw} is not null`, 'unreadable'),
    where(min === null ? 'false' : `isfinite(${value}) and ${value} < '${min - slack}'::double`, 'below'),
    where(max === null ? 'false' : `isfinite(${value}) and ${value} > '${max + slack}'::double`, 'above'),
  ]
}

function readNumbers(row: Row, prefix: string, edges: BinEdges): NumberWindow {
  const count = (name: string): number => Number(row[`${prefix}${name}`])
  // No finite value at all: the histogram is null.
  const counts = (row[`${prefix}counts`] as number[] | null) ?? Array.from({ length: edges.length + 1 }, () => 0)
  return {
    kind: 'number',
    counts,
    nulls: count('nulls'),
    nans: count('nans'),
    infinities: count('infinities'),
    below: count('below'),
    above: count('above'),
    unreadable: count('unreadable'),
  }
}

function readCategories(rows: readonly Row[], categories: readonly string[]): CategoryWindow {
  const known = new Map<string, number>()
  const otherExamples: string[] = []
  let nulls = 0
  for (const row of rows) {
    if (row['value'] === null) nulls = Number(row['n'])
    else if (row['known'] === true) known.set(row['value'] as string, Number(row['n']))
    else otherExamples.push(row['value'] as string)
  }
  const named = categories.map((category) => known.get(category) ?? 0)
  const total = Number(rows[0]?.['total'] ?? 0)
  const others = total - nulls - named.reduce((sum, count) => sum + count, 0)
  return { kind: 'category', counts: [...named, others], nulls, otherExamples }
}

/** What a reference's counts are compared with: its bins, then null, NaN and infinite, or unreadable. */
export function allCounts(column: NumberReference | NumberWindow | CategoryReference | CategoryWindow): number[] {
  if (column.kind === 'category') return [...column.counts, column.nulls]
  const unreadable = 'unreadable' in column ? column.unreadable : 0
  return [...column.counts, column.nulls, column.nans + column.infinities + unreadable]
}
