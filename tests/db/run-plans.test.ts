import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/db/open-database.ts'
import { getPlanned, getRun } from '../../src/engine/runs.sql.ts'
import { DATABASES, openTestDatabase } from '../harness/databases.ts'

test.each(DATABASES)('plans of a database from before they had a table of their own are kept on %s', async (kind) => {
  await using place = await openTestDatabase(kind)
  await place.database.write(async (writer) => {
    await writer.schema.dropTable('run_plans').execute()
    for (const column of ['pipeline_text', 'plan']) {
      await writer.schema
        .alterTable('runs')
        .addColumn(column, 'text', (c) => c.notNull().defaultTo(''))
        .execute()
    }
    await sql`insert into runs (id, project, number, commit_id, branch, event, title, state, person, authors, dedupe_key,
      source_tree, rules, problems, created_at, pipeline_text, plan)
      values ('p#1', 'p', 1, 'c', 'main', 'push', 't', 'succeeded', 'ana', '[]', 'k', '', 'null', '[]', 1,
      'version: 1', '{"version":1,"steps":[]}')`.execute(writer)
    await writer.updateTable('meta').set({ value: '9' }).where('key', '=', 'schema').execute()
  })

  await using database = await openDatabase(place.url)

  expect(await getPlanned(database.read, 'p#1')).toEqual({
    pipelineText: 'version: 1',
    plan: { version: 1, steps: [] },
  })
  expect(await getRun(database.read, 'p#1')).toMatchObject({ id: 'p#1', state: 'succeeded' })
})
