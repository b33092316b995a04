import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'

export type { DuckDBConnection }

/**
 * DuckDB, in memory, over files. One per process; it holds no state, so it can be closed and opened at any
 * time. Queries run on its own threads and do not block the event loop.
 */
export interface Analytics extends AsyncDisposable {
  /** A connection of its own for `work`: temporary tables are not seen by others and gone afterwards. */
  use<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T>
}

export interface AnalyticsOptions {
  /** Default 2. */
  readonly threads?: number
  /** Default `1GB`; larger results spill to `spillFolder`, or fail without one. */
  readonly memoryLimit?: string
  readonly spillFolder?: string
}

export async function openAnalytics(options: AnalyticsOptions = {}): Promise<Analytics> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads ?? 2),
    memory_limit: options.memoryLimit ?? '1GB',
    // Nothing is fetched from the network: Parquet and CSV are built in.
    autoinstall_known_extensions: 'false',
    ...(options.spillFolder === undefined ? {} : { temp_directory: options.spillFolder }),
  })
  return {
    async use(work) {
      const connection = await instance.connect()
      try {
        return await work(connection)
      } finally {
        connection.closeSync()
      }
    },
    [Symbol.asyncDispose]: async () => instance.closeSync(),
  }
}

export type Row = Record<string, unknown>

/** All rows of a query. Cast counts to double: bigint columns come as `bigint`. */
export async function queryRows(connection: DuckDBConnection, sql: string): Promise<Row[]> {
  const result = await connection.runAndReadAll(sql)
  return result.getRowObjectsJS()
}

/** `text` as an SQL string. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** `name` as an SQL name, whatever characters it has. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Column names and types of a table or view, in order. */
export async function describeColumns(connection: DuckDBConnection, table: string): Promise<Map<string, string>> {
  const rows = await queryRows(connection, `describe ${sqlName(table)}`)
  return new Map(rows.map((row) => [String(row['column_name']), String(row['column_type'])]))
}

/**
 * What reads a table out of a file, by its name: Parquet, CSV (also .tsv) or JSON lines; undefined for others.
 * In CSV only numbers are told from text: DuckDB would also make truth values of a column of `yes` and `no`.
 */
export function tableReader(path: string): string | undefined {
  const name = path.toLowerCase()
  if (name.endsWith('.parquet')) return `read_parquet(${sqlText(path)})`
  if (/\.[ct]sv(\.gz)?$/.test(name))
    return `read_csv(${sqlText(path)}, sample_size = -1, auto_type_candidates = ['BIGINT', 'DOUBLE', 'VARCHAR'])`
  if (/\.(ndjson|jsonl)$/.test(name)) return `read_ndjson(${sqlText(path)}, sample_size = -1)`
  return undefined
}
