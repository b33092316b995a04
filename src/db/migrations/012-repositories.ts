import { sql } from 'kysely'
import type { Migration } from './migrations.ts'

/** A repository is a thing apart from the project: so far each project had one of its own, of its name. */
export const repositories: Migration = {
  number: 12,
  name: '012-repositories',
  async up(writer) {
    await writer.schema
      .alterTable('projects')
      .addColumn('repository', 'text', (column) => column.notNull().defaultTo(''))
      .execute()
    await sql`update projects set repository = name`.execute(writer)
    await writer.schema
      .createIndex('projects_repository')
      .on('projects')
      .columns(['repository', 'path'])
      .unique()
      .execute()
    await writer.schema.alterTable('pushes').renameColumn('project', 'repository').execute()
  },
}
