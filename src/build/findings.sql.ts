import type { Reader, Writer } from '../db/open-database.ts'
import type { Finding } from './find-findings.ts'

/** Replaces what an earlier attempt of the run found. */
export async function recordFindings(writer: Writer, runId: string, findings: readonly Finding[]): Promise<void> {
  await writer.deleteFrom('findings').where('run_id', '=', runId).execute()
  if (findings.length === 0) return
  const rows = findings.map((finding, position) => ({ run_id: runId, position, ...finding }))
  await writer.insertInto('findings').values(rows).execute()
}

export async function listFindings(reader: Reader, runId: string, limit: number): Promise<Finding[]> {
  const rows = await reader
    .selectFrom('findings')
    .select(['severity', 'file', 'line', 'column', 'message'])
    .where('run_id', '=', runId)
    .orderBy('position')
    .limit(limit)
    .execute()
  return rows as Finding[]
}
