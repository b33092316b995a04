import { createTable } from './create-table.ts'
import type { Migration } from './migrations.ts'

/** How a dataset's source was declared when it was frozen, and digests that wait for an owner's yes. */
export const datasets: Migration = {
  number: 3,
  name: '003-datasets',
  async up(writer, kind) {
    await writer.schema.alterTable('datasets').addColumn('identity', 'text').execute()
    await createTable(
      writer,
      kind,
      'dataset_versions',
      {
        project: 'text',
        path: 'text',
        digest: 'text',
        artifact: 'text',
        rows: 'integer?',
        identity: 'text',
        state: 'text',
        run_id: 'text?',
        pushed_by: 'text?',
        asked_at: 'integer',
        decided_by: 'text?',
        decided_at: 'integer?',
        reason: 'text?',
      },
      'id',
    )
    await writer.schema
      .createIndex('dataset_versions_digest')
      .unique()
      .on('dataset_versions')
      .columns(['project', 'path', 'digest'])
      .execute()
  },
}
