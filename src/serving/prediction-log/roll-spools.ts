import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { createInterface } from 'node:readline'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import type { Signature } from '../../core/bundle.ts'
import type { PredictionRecord } from '../../core/route-table.ts'
import { expandRecord, inputColumns, LOG_COLUMNS } from './expand-record.ts'
import { CLOSED_SUFFIX, listSpools } from './prediction-spool.ts'

export interface RollOrder {
  readonly spoolFolder: string
  readonly predictionsFolder: string
  /** Undefined for a version that is not known (any more): its rows then have no input columns. */
  readonly signatureOf: (
    project: string,
    environment: string,
    version: string,
  ) => Signature | undefined | Promise<Signature | undefined>
}

export interface RolledSpool {
  readonly project: string
  readonly environment: string
  /** `<predictionsFolder>/<project>/<environment>/<uuid>.parquet` */
  readonly path: string
  readonly rows: number
  /** Lines that were no record: the torn last one of a gateway that was killed. */
  readonly skipped: number
}

/**
 * Turns the closed spool files into Parquet, one file each under the same name, and removes them. A crash in
 * between costs nothing: a file whose Parquet is there already is only removed. One caller at a time.
 */
export async function rollSpools(order: RollOrder): Promise<RolledSpool[]> {
  const spools = await listSpools(order.spoolFolder, CLOSED_SUFFIX)
  if (spools.length === 0) return []
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    const rolled: RolledSpool[] = []
    for (const spool of spools) {
      const one = await rollOne(order, connection, spool)
      if (one !== undefined) rolled.push(one)
      await rm(spool)
    }
    return rolled
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

async function rollOne(
  order: RollOrder,
  connection: DuckDBConnection,
  spool: string,
): Promise<RolledSpool | undefined> {
  const [project = '', environment = ''] = relative(order.spoolFolder, spool).split(sep)
  const folder = join(order.predictionsFolder, project, environment)
  const path = join(folder, `${basename(spool, CLOSED_SUFFIX)}.parquet`)
  if (await exists(path)) return undefined
  await mkdir(folder, { recursive: true })
  const lines = `${path}.ndjson`
  try {
    const { columns, rows, skipped } = await expandSpool(order, project, environment, spool, lines)
    if (rows === 0) return undefined
    await connection.run(copyStatement(lines, columns, `${path}.new`))
    await rename(`${path}.new`, path)
    return { project, environment, path, rows, skipped }
  } finally {
    await rm(lines, { force: true })
  }
}

async function expandSpool(
  order: RollOrder,
  project: string,
  environment: string,
  spool: string,
  target: string,
): Promise<{ columns: Map<string, string>; rows: number; skipped: number }> {
  const signatures = new Map<string, Signature | undefined>()
  const columns = new Map<string, string>()
  let rows = 0
  let skipped = 0
  await using file = await open(target, 'w')
  for await (const line of createInterface({ input: createReadStream(spool), crlfDelay: Number.POSITIVE_INFINITY })) {
    const record = parseRecord(line)
    if (record === undefined) {
      skipped++
      continue
    }
    if (!signatures.has(record.version)) {
      const signature = await order.signatureOf(project, environment, record.version)
      signatures.set(record.version, signature)
      if (signature !== undefined) addColumns(columns, inputColumns(signature))
    }
    const expanded = expandRecord(record, signatures.get(record.version))
    await file.appendFile(expanded.map((row) => `${JSON.stringify(row)}\n`).join(''))
    rows += expanded.length
  }
  return { columns, rows, skipped }
}

/** Versions of one spool may differ in a column's type; text holds them all. */
function addColumns(columns: Map<string, string>, more: ReadonlyMap<string, string>): void {
  for (const [name, type] of more) {
    if (name in LOG_COLUMNS) continue
    const known = columns.get(name)
    columns.set(name, known === undefined || known === type ? type : 'VARCHAR')
  }
}

function parseRecord(line: string): PredictionRecord | undefined {
  try {
    return JSON.parse(line) as PredictionRecord
  } catch {
    return undefined
  }
}

function copyStatement(lines: string, inputs: ReadonlyMap<string, string>, target: string): string {
  const { _prediction, _score, ...before } = LOG_COLUMNS
  const all = [...Object.entries(before), ...inputs, ...Object.entries({ _prediction, _score })]
  const types = all.map(([name, type]) => `${quote(name)}: ${quote(type)}`).join(', ')
  return `copy (
    select *
    from read_json(${quote(lines)}, format = 'newline_delimited', columns = {${types}}, maximum_object_size = 268435456)
  ) to ${quote(target)} (format parquet, compression zstd)`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
