import { AppError } from '../core/errors.ts'
import type { Database, Reader, Writer } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import type { GateSpec } from '../pipeline/pipeline.ts'
import type { GateOutcome } from './decide-gate.ts'
import type { GateDecision, Waiver } from './gate.ts'

export interface GateRecord {
  readonly title: string
  readonly spec: GateSpec
  readonly outcome: GateOutcome
  readonly summary: string
  readonly evidence: Readonly<Record<string, unknown>>
  readonly decidedAt: number
  readonly waivedBy: string | null
  readonly waivedReason: string | null
}

export interface GatesOfRun {
  readonly runId: string
  readonly project: string
}

/** Replaces what an earlier attempt of the run decided. One event a gate. */
export async function recordGates(
  writer: Writer,
  kind: Database['kind'],
  { runId, project }: GatesOfRun,
  decisions: readonly GateDecision[],
): Promise<void> {
  await writer.deleteFrom('gates').where('run_id', '=', runId).execute()
  if (decisions.length === 0) return
  const decidedAt = Date.now()
  const rows = decisions.map(({ title, spec, outcome, summary, evidence, waiver }, position) => ({
    run_id: runId,
    position,
    title,
    spec: JSON.stringify(spec),
    outcome,
    summary,
    evidence: JSON.stringify(evidence),
    decided_at: decidedAt,
    waived_by: waiver?.person ?? null,
    waived_reason: waiver?.reason ?? null,
  }))
  await writer.insertInto('gates').values(rows).execute()
  await appendEvents(
    writer,
    kind,
    decisions.map(({ title, outcome, summary }) => ({
      kind: 'gate.decided',
      project,
      subject: runId,
      data: { gate: title, outcome, summary },
    })),
  )
}

/** Only an inconclusive gate, and only once. Fails with NOT_FOUND or STATE_CONFLICT. */
export async function waiveGate(
  writer: Writer,
  kind: Database['kind'],
  { runId, project }: GatesOfRun,
  { gate, person, reason }: Waiver,
): Promise<void> {
  const waived = await writer
    .updateTable('gates')
    .set({ waived_by: person, waived_reason: reason })
    .where('run_id', '=', runId)
    .where('title', '=', gate)
    .where('outcome', '=', 'inconclusive')
    .where('waived_by', 'is', null)
    .returning('title')
    .execute()
  if (waived.length === 0) throw await whyNotWaived(writer, runId, gate)
  await appendEvents(writer, kind, [{ kind: 'gate.waived', project, subject: runId, data: { gate, person, reason } }])
}

async function whyNotWaived(reader: Reader, runId: string, gate: string): Promise<AppError> {
  const gates = await listGates(reader, runId)
  const known = gates.find(({ title }) => title === gate)
  if (known === undefined) {
    const names = gates.map(({ title }) => title).join(', ') || 'none that was decided'
    return new AppError('NOT_FOUND', `Run ${runId} has no gate "${gate}"; it has ${names}.`)
  }
  const why =
    known.waivedBy === null
      ? `its outcome is ${known.outcome}, and only an inconclusive gate can be waived`
      : `${known.waivedBy} has waived it already`
  return new AppError('STATE_CONFLICT', `Gate ${gate} of run ${runId} cannot be waived: ${why}.`)
}

/** In the file's order; a file has few. */
export async function listGates(reader: Reader, runId: string): Promise<GateRecord[]> {
  const rows = await reader
    .selectFrom('gates')
    .select(['title', 'spec', 'outcome', 'summary', 'evidence', 'decided_at', 'waived_by', 'waived_reason'])
    .where('run_id', '=', runId)
    .orderBy('position')
    .execute()
  return rows.map((row) => ({
    title: row.title,
    spec: JSON.parse(row.spec) as GateSpec,
    outcome: row.outcome,
    summary: row.summary,
    evidence: JSON.parse(row.evidence) as Record<string, unknown>,
    decidedAt: row.decided_at,
    waivedBy: row.waived_by,
    waivedReason: row.waived_reason,
  }))
}

/** What people have waived in a run: a rerun of it is decided with these. */
export async function listWaivers(reader: Reader, runId: string): Promise<Waiver[]> {
  const gates = await listGates(reader, runId)
  return gates.flatMap(({ title, waivedBy, waivedReason }) =>
    waivedBy === null ? [] : [{ gate: title, person: waivedBy, reason: waivedReason ?? '' }],
  )
}
