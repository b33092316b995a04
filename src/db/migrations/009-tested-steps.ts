import { sql } from 'kysely'
import { createTable } from './create-table.ts'
import type { Migration } from './migrations.ts'

/** What became of each step's tests in figures, which outlive the rows of single tests. */
export const testedSteps: Migration = {
  number: 9,
  name: '009-tested-steps',
  async up(writer, kind) {
    const columns = {
      run_id: 'text',
      step: 'text',
      project: 'text',
      at: 'integer',
      passed: 'integer',
      failed: 'integer',
      skipped: 'integer',
      quarantined: 'integer',
      seconds: 'double',
      fresh: 'integer',
    } as const
    await createTable(writer, kind, 'tested_steps', columns, ['run_id', 'step'])
    await writer.schema
      .createIndex('tested_steps_of_project')
      .on('tested_steps')
      .columns(['project', 'at', 'run_id'])
      .execute()
    await sql`insert into tested_steps (run_id, step, project, at, passed, failed, skipped, quarantined, seconds, fresh)
      select run_id, step, min(project), max(at),
        sum(case when state = 'passed' then 1 else 0 end),
        sum(case when state in ('failed', 'error') and quarantined = 0 then 1 else 0 end),
        sum(case when state = 'skipped' then 1 else 0 end),
        sum(case when state in ('failed', 'error') and quarantined = 1 then 1 else 0 end),
        sum(seconds), max(fresh)
      from test_results where latest = 1 group by run_id, step`.execute(writer)
  },
}
