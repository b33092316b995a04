import { queryRows, sqlText, type Analytics, type DuckDBConnection } from '../lib/open-analytics.ts'
import { openPredictions } from './prediction-files.ts'

type WindowSize = { readonly kind: 'time'; readonly ms: number } | { readonly kind: 'rows'; readonly rows: number }

export interface WindowQuestion {
  /** Where the Parquet files of the environment lie, at any depth. */
  readonly folder: string
  /** Of the model, as the log has it in `_version`. */
  readonly version: string
  /**
   * The next so many rows after `since`, and those of the same millisecond as the last, so that none is lost
   * between two windows; or all rows of the time before `until`.
   */
  readonly size: WindowSize
  /** Only rows later than this: the end of the window before, so that windows do not share rows. */
  readonly since: number
  /** Only rows up to this; epoch milliseconds. */
  readonly until: number
}

/**
 * Makes the temporary table or view `recent` of the rows in question, and answers its columns; undefined when
 * there are no files yet. Requests that the client got wrong are left out: they say nothing about the model.
 */
export async function openWindow(
  connection: DuckDBConnection,
  question: WindowQuestion,
): Promise<Map<string, string> | undefined> {
  const { folder, version, size, until } = question
  const after = beginOf(question)
  const columns = await openPredictions(connection, folder, after)
  if (columns === undefined) return undefined
  const rows = `select * from predictions
    where _version = ${sqlText(version)}
      and _at > ${after}
      and _at <= ${until}
      and (_status is null or _status not between 400 and 499)`
  // A window of rows is small, and found only once; one of time can be of any size, and stays in its files.
  await connection.run(
    size.kind === 'rows'
      ? `create temp table recent as with rows as (${rows})
         select * from rows where _at <= (select max(_at) from (select _at from rows order by _at limit ${size.rows}))`
      : `create temp view recent as ${rows}`,
  )
  return columns
}

/** No row of the window is older. */
export function beginOf({ size, since, until }: WindowQuestion): number {
  return size.kind === 'time' ? Math.max(since, until - size.ms) : since
}

/** Times in epoch milliseconds; null where there are no rows. */
export interface Extent {
  readonly rows: number
  readonly from: number | null
  readonly to: number | null
}

/** How many rows a window has, and their times. */
export async function measureExtent(analytics: Analytics, question: WindowQuestion): Promise<Extent> {
  return analytics.use(async (connection) => {
    const columns = await openWindow(connection, question)
    return columns === undefined ? { rows: 0, from: null, to: null } : extentOf(connection)
  })
}

/** The same of a window that is open. */
export async function extentOf(connection: DuckDBConnection): Promise<Extent> {
  const [row] = await queryRows(
    connection,
    'select count(*)::double as n, min(_at)::double as oldest, max(_at)::double as newest from recent',
  )
  return { rows: Number(row!['n']), from: row!['oldest'] as number | null, to: row!['newest'] as number | null }
}
