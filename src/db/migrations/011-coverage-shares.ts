import { createTable } from './create-table.ts'
import type { Migration } from './migrations.ts'

/** What each member of a split suite covered, line by line: only together they say what no test ran. */
export const coverageShares: Migration = {
  number: 11,
  name: '011-coverage-shares',
  async up(writer, kind) {
    await createTable(
      writer,
      kind,
      'coverage_shares',
      { run_id: 'text', step: 'text', member: 'text', path: 'text', hits: 'text' },
      ['run_id', 'step', 'member', 'path'],
    )
    for (const column of ['members', 'members_of'])
      await writer.schema.alterTable('coverage').addColumn(column, 'bigint').execute()
  },
}
