import type { Migration } from './migrations.ts'

/** A project's priority, and indexes for what would be looked for among all rows there ever were. */
export const priority: Migration = {
  number: 4,
  name: '004-priority',
  async up(writer) {
    await writer.schema
      .alterTable('projects')
      .addColumn('priority', 'text', (column) => column.notNull().defaultTo('normal'))
      .execute()
    for (const [name, table, columns] of INDEXES) {
      await writer.schema
        .createIndex(name)
        .on(table)
        .columns([...columns])
        .execute()
    }
  },
}

const INDEXES = [
  ['runs_created', 'runs', ['created_at', 'project', 'number']],
  ['tokens_run', 'tokens', ['run_id']],
  ['step_cache_step', 'step_cache', ['step', 'used_at']],
] as const
