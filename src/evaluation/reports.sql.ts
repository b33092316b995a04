import type { ExpressionBuilder } from 'kysely'
import type { Digest } from '../core/digest.ts'
import type { Tables } from '../db/tables.ts'
import type { Reader, Writer } from '../db/open-database.ts'

export interface KeptReport {
  readonly html: Digest
  readonly markdown: Digest
}

/** Replaces what an earlier attempt of the run made. */
export async function recordReport(
  writer: Writer,
  { runId, project }: { readonly runId: string; readonly project: string },
  { html, markdown }: KeptReport,
): Promise<void> {
  await writer.deleteFrom('reports').where('run_id', '=', runId).execute()
  await writer
    .insertInto('reports')
    .values({ run_id: runId, project, html, markdown, created_at: Date.now() })
    .execute()
}

export async function findReport(reader: Reader, runId: string): Promise<KeptReport | undefined> {
  const row = await reader
    .selectFrom('reports')
    .select(['html', 'markdown'])
    .where('run_id', '=', runId)
    .executeTakeFirst()
  return row && { html: row.html as Digest, markdown: row.markdown as Digest }
}

/** Of runs that registered nothing, once what they say is no longer kept. Returns how many. */
export async function forgetReports(writer: Writer, before: number): Promise<number> {
  const { numDeletedRows } = await writer.deleteFrom('reports').where(isForgotten(before)).executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

export async function countForgottenReports(reader: Reader, before: number): Promise<number> {
  const { rows } = await reader
    .selectFrom('reports')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .where(isForgotten(before))
    .executeTakeFirstOrThrow()
  return rows
}

function isForgotten(before: number) {
  return (eb: ExpressionBuilder<Tables, 'reports'>) =>
    eb.and([
      eb('reports.created_at', '<', before),
      eb.not(
        eb.exists(
          eb.selectFrom('versions').select('versions.version').whereRef('versions.run_id', '=', 'reports.run_id'),
        ),
      ),
    ])
}

/** Digests of the reports made since; those of versions stand in their lineage too. */
export async function reportDigests(reader: Reader, since: number): Promise<Digest[]> {
  const rows = await reader
    .selectFrom('reports')
    .select(['html', 'markdown'])
    .where('created_at', '>=', since)
    .orderBy('run_id')
    .execute()
  return rows.flatMap(({ html, markdown }) => [html as Digest, markdown as Digest])
}
