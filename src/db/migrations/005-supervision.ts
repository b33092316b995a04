import type { Migration } from './migrations.ts'

/** How a run is cancelled, reruns for debugging, and what an attempt hands to the next one. */
export const supervision: Migration = {
  number: 5,
  name: '005-supervision',
  async up(writer) {
    await writer.schema.alterTable('runs').addColumn('cancel_mode', 'text').execute()
    await writer.schema
      .alterTable('runs')
      .addColumn('debug', 'bigint', (column) => column.notNull().defaultTo(0))
      .execute()
    await writer.schema.alterTable('attempts').addColumn('checkpoint', 'text').execute()
  },
}
