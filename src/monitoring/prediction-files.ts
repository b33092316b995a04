import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../lib/error-code.ts'
import { mapBounded } from '../lib/map-bounded.ts'
import { describeColumns, sqlText, type DuckDBConnection } from '../lib/open-analytics.ts'

/** A gateway's clock may be this much ahead of the clock of the file system. */
const CLOCK_SLACK_MS = 60_000

/**
 * Makes the temporary view `predictions` over the files of a folder, at any depth, that can hold rows later
 * than `since`, and answers its columns; undefined when there is no such file. Rows are older than the file
 * they lie in, so files that were written before `since` are not opened: a log of months costs no more than
 * one of minutes. Files of different versions may have different input columns: they are united by name.
 */
export async function openPredictions(
  connection: DuckDBConnection,
  folder: string,
  since: number,
): Promise<Map<string, string> | undefined> {
  const files = await filesSince(folder, since - CLOCK_SLACK_MS)
  if (files.length === 0) return undefined
  const list = files.map(sqlText).join(', ')
  await connection.run(
    `create temp view predictions as
     select * from read_parquet([${list}], union_by_name = true, hive_partitioning = false)`,
  )
  return describeColumns(connection, 'predictions')
}

async function filesSince(folder: string, since: number): Promise<string[]> {
  const files = await listFiles(folder)
  const times = await mapBounded(files, 16, async (file) => (await stat(file)).mtimeMs)
  return files.filter((_, i) => times[i]! >= since)
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder, { recursive: true })
    return names
      .filter((name) => name.endsWith('.parquet'))
      .sort()
      .map((name) => join(folder, name))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
