import { AppError } from '../core/errors.ts'
import type { RunRow } from '../db/tables.ts'
import { waiveGate as recordWaiver } from '../evaluation/gates.sql.ts'
import type { Installation } from './installation.ts'

/**
 * A person lets an inconclusive gate pass. The run has ended, and what has ended never moves: a rerun adopts
 * everything that succeeded and decides the gates again, this time knowing of the waiver.
 */
export async function waiveGate(
  { database, engine }: Installation,
  run: RunRow,
  waiver: { gate: string; reason: string; by: string },
): Promise<RunRow> {
  if ((JSON.parse(run.authors) as string[]).includes(waiver.by)) {
    throw new AppError(
      'SELF_APPROVAL',
      `${waiver.by} committed, pushed or started this change, so somebody else must waive its gates.`,
    )
  }
  const { run: next } = await database.write(async (writer) => {
    const { gate, reason, by: person } = waiver
    await recordWaiver(writer, database.kind, { runId: run.id, project: run.project }, { gate, person, reason })
    return engine.rerun(writer, run.id, { failedOnly: true, by: waiver.by })
  })
  return next
}
