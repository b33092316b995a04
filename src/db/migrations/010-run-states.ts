import type { Migration } from './migrations.ts'

/**
 * What changes of a run, beside its plan and not behind it: SQLite reads a row from its beginning, and the plan of a
 * thousand steps is half a megabyte, read three times for each of them. Postgres keeps long values apart.
 */
export const runStates: Migration = {
  number: 10,
  name: '010-run-states',
  async up(writer, kind) {
    if (kind === 'postgres') return
    await writer.schema
      .createIndex('runs_moving')
      .on('runs')
      .columns(['id', 'state', 'reason', 'cancel_mode', 'started_at', 'ended_at'])
      .execute()
  },
}
