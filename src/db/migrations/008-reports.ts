import { createTable } from './create-table.ts'
import type { Migration } from './migrations.ts'

/** What was proved of each run's candidate, in two forms, by digest. */
export const reports: Migration = {
  number: 8,
  name: '008-reports',
  async up(writer, kind) {
    const columns = { run_id: 'text', project: 'text', html: 'text', markdown: 'text', created_at: 'integer' } as const
    await createTable(writer, kind, 'reports', columns, ['run_id'])
    await writer.schema.createIndex('reports_by_time').on('reports').columns(['created_at', 'run_id']).execute()
  },
}
