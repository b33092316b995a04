import type { Reader, Writer } from '../db/open-database.ts'

/** What a step measured, in place of what it measured before. */
export async function recordMetrics(
  writer: Writer,
  runId: string,
  step: string,
  metrics: Readonly<Record<string, number>>,
): Promise<void> {
  await writer.deleteFrom('metrics').where('run_id', '=', runId).where('step', '=', step).execute()
  const rows = Object.entries(metrics).map(([name, value]) => ({ run_id: runId, step, name, value }))
  if (rows.length > 0) await writer.insertInto('metrics').values(rows).execute()
}

export async function metricsOf(
  reader: Reader,
  runId: string,
): Promise<{ step: string; name: string; value: number }[]> {
  return reader
    .selectFrom('metrics')
    .select(['step', 'name', 'value'])
    .where('run_id', '=', runId)
    .orderBy('step')
    .orderBy('name')
    .limit(2_000)
    .execute()
}
