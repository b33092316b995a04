import type { Insertable } from 'kysely'
import type { Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'
import type { LabelRow } from './join-labels.ts'

/** Rows of one statement: both databases limit how many values one may carry. */
const BATCH = 500

export async function insertLabels(writer: Writer, rows: readonly Insertable<Tables['labels']>[]): Promise<void> {
  for (let i = 0; i < rows.length; i += BATCH)
    await writer
      .insertInto('labels')
      .values(rows.slice(i, i + BATCH))
      .execute()
}

/** All labels that these predictions have so far, in the order they were told. */
export async function labelsOf(
  reader: Reader,
  { project, environment }: { project: string; environment: string },
  predictionIds: readonly string[],
): Promise<LabelRow[]> {
  const found: { id: number; prediction_id: string; row: number; label: string }[] = []
  for (let i = 0; i < predictionIds.length; i += BATCH) {
    const batch = await reader
      .selectFrom('labels')
      .select(['id', 'prediction_id', 'row', 'label'])
      .where('project', '=', project)
      .where('environment', '=', environment)
      .where('prediction_id', 'in', predictionIds.slice(i, i + BATCH))
      .orderBy('id')
      .execute()
    found.push(...batch)
  }
  return found
    .sort((a, b) => a.id - b.id)
    .map(({ prediction_id: predictionId, row, label }) => ({ predictionId, row, label }))
}

/** Every label of an environment that was told since then, in the order they were told, in pages. */
export async function* labelsSince(
  reader: Reader,
  { project, environment, since }: { project: string; environment: string; since: number },
  pageRows = 5_000,
): AsyncGenerator<LabelRow> {
  let last = 0
  for (;;) {
    const page = await reader
      .selectFrom('labels')
      .select(['id', 'prediction_id', 'row', 'label'])
      .where('project', '=', project)
      .where('environment', '=', environment)
      .where('recorded_at', '>=', since)
      .where('id', '>', last)
      .orderBy('id')
      .limit(pageRows)
      .execute()
    for (const { id, prediction_id: predictionId, row, label } of page) {
      last = id
      yield { predictionId, row, label }
    }
    if (page.length < pageRows) return
  }
}
