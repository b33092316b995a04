import { sql } from 'kysely'
import { createTable } from './create-table.ts'
import type { Migration } from './migrations.ts'

/**
 * A run's text and plan apart from what changes of it and what lists show. SQLite reads a row from its beginning and
 * writes it as a whole, and the plan of a thousand steps is half a megabyte: every move of such a run wrote it again,
 * and each of its steps made it be read three times.
 */
export const runPlans: Migration = {
  number: 10,
  name: '010-run-plans',
  async up(writer, kind) {
    await createTable(writer, kind, 'run_plans', { run_id: 'text', pipeline_text: 'text', plan: 'text' }, ['run_id'])
    await sql`insert into run_plans (run_id, pipeline_text, plan) select id, pipeline_text, plan from runs`.execute(
      writer,
    )
    for (const column of ['pipeline_text', 'plan']) await writer.schema.alterTable('runs').dropColumn(column).execute()
  },
}
