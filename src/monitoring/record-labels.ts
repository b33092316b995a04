import { appendEvents } from '../db/outbox.ts'
import type { Database } from '../db/open-database.ts'
import type { LabelRow } from './join-labels.ts'
import { insertLabels, labelsOf } from './labels.sql.ts'

export interface ToldLabels {
  readonly project: string
  readonly environment: string
  readonly person: string
  readonly labels: readonly LabelRow[]
}

export interface LabelCounts {
  readonly accepted: number
  /** Told before, with the same label. */
  readonly duplicate: number
  /** Told before, with another label; the new one holds. */
  readonly corrected: number
}

/**
 * Keeps what was true. Nothing is overwritten: a correction is a further row, so that what was known at any
 * time can be told. Labels may come before their predictions are in the log.
 */
export async function recordLabels(
  database: Database,
  { project, environment, person, labels }: ToldLabels,
  at: number,
): Promise<LabelCounts> {
  return database.write(async (writer) => {
    const place = { project, environment }
    const known = new Map(
      (await labelsOf(writer, place, [...new Set(labels.map(({ predictionId }) => predictionId))])).map((row) => [
        keyOf(row),
        row.label,
      ]),
    )
    const counts = { accepted: 0, duplicate: 0, corrected: 0 }
    const fresh: LabelRow[] = []
    for (const row of labels) {
      const before = known.get(keyOf(row))
      if (before === row.label) {
        counts.duplicate++
        continue
      }
      counts[before === undefined ? 'accepted' : 'corrected']++
      known.set(keyOf(row), row.label)
      fresh.push(row)
    }
    await insertLabels(
      writer,
      fresh.map(({ predictionId, row, label }) => ({
        ...place,
        prediction_id: predictionId,
        row,
        label,
        recorded_at: at,
        person,
      })),
    )
    if (fresh.length > 0) {
      await appendEvents(writer, database.kind, [
        { kind: 'labels.received', project, subject: `${project}/${environment}`, data: { person, ...counts } },
      ])
    }
    return counts
  })
}

function keyOf({ predictionId, row }: LabelRow): string {
  return JSON.stringify([predictionId, row])
}
