import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openAnalytics, sqlText, type Analytics } from '../../src/lib/open-analytics.ts'

/** A data folder with Parquet files that DuckDB writes from queries; gone when disposed. */
export interface PredictionLog extends AsyncDisposable {
  readonly data: string
  readonly analytics: Analytics
  write(path: string, query: string): Promise<string>
  /** Into the log of project `shop`. */
  log(environment: string, name: string, query: string): Promise<void>
}

export async function openPredictionLog(): Promise<PredictionLog> {
  const data = await mkdtemp(join(tmpdir(), 'tidegate-monitoring-'))
  const analytics = await openAnalytics()
  async function write(path: string, query: string): Promise<string> {
    const file = join(data, path)
    await mkdir(dirname(file), { recursive: true })
    await analytics.use((connection) => connection.run(`copy (${query}) to ${sqlText(file)} (format parquet)`))
    return file
  }
  return {
    data,
    analytics,
    write,
    log: async (environment, name, query) => void (await write(join('predictions', 'shop', environment, name), query)),
    async [Symbol.asyncDispose]() {
      await analytics[Symbol.asyncDispose]()
      await rm(data, { recursive: true, force: true })
    },
  }
}

/** The columns that every log has, `at` and `version` being SQL; every tenth prediction is the same digit. */
export function logged(at: string, version: string): string {
  return `'p' || (${at}) as _id, 0 as _row, (${at})::bigint as _at, ${version} as _version, 'champion' as _arm, 1.0 as _weight,
    200 as _status, (${at})::double / 10 as _latency_ms, ((${at}) % 10)::varchar as _prediction, 0.5 as _score`
}

/** SQL for numbers evenly spread over [0, 1), the same in every run. */
export function uniform(offset: number): string {
  return `(hash(range + ${offset}) % 1000003) / 1000003.0`
}
