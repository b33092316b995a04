import type { Migration } from './migrations.ts'
import { createTable } from './create-table.ts'

/** When the schedules of each project come due. */
export const schedules: Migration = {
  number: 2,
  name: '002-schedules',
  async up(writer, kind) {
    const columns = {
      project: 'text',
      cron: 'text',
      timezone: 'text',
      next_at: 'integer',
      last_at: 'integer?',
      last_run: 'text?',
    } as const
    await createTable(writer, kind, 'schedules', columns, ['project', 'cron', 'timezone'])
    await writer.schema.createIndex('schedules_next').on('schedules').columns(['next_at']).execute()
  },
}
