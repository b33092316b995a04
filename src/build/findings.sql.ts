import type { Reader, Writer } from '../db/open-database.ts'
import type { Finding } from './find-findings.ts'

/** Replaces what an earlier attempt of the step found. */
export async function recordFindings(
  writer: Writer,
  place: { readonly runId: string; readonly step: string },
  findings: readonly Finding[],
): Promise<void> {
  const { runId, step } = place
  await writer.deleteFrom('findings').where('run_id', '=', runId).where('step', '=', step).execute()
  if (findings.length === 0) return
  const rows = findings.map(({ severity, file, line, column, message }, position) => {
    return { run_id: runId, step, position, severity, file, line, column, message }
  })
  await writer.insertInto('findings').values(rows).execute()
}

/** Of all steps of a run, errors first. */
export async function listFindings(
  reader: Reader,
  runId: string,
  limit: number,
): Promise<(Finding & { readonly step: string })[]> {
  const rows = await reader
    .selectFrom('findings')
    .select(['step', 'severity', 'file', 'line', 'column', 'message'])
    .where('run_id', '=', runId)
    .orderBy('severity')
    .orderBy('step')
    .orderBy('position')
    .limit(limit)
    .execute()
  return rows as (Finding & { readonly step: string })[]
}
