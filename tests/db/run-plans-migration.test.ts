import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/db/open-database.ts'
import { getPlanned, getRun } from '../../src/engine/runs.sql.ts'
import { createTestDatabase, DATABASES } from '../harness/databases.ts'

/** When plans stood in the rows of runs. */
const BEFORE = 9

test.each(DATABASES)('plans of a database from before they had a table of their own are kept on %s', async (kind) => {
  await using place = await createTestDatabase(kind)
  {
    await using before = await openDatabase(place.url, BEFORE)
    await before.write((writer) =>
      sql`insert into runs (id, project, number, commit_id, branch, event, title, state, person, authors, dedupe_key,
        source_tree, rules, problems, created_at, debug, pipeline_text, plan)
        values ('p#1', 'p', 1, 'c', 'main', 'push', 't', 'succeeded', 'ana', '[]', 'k', '', 'null', '[]', 1, 0,
        'version: 1', '{"version":1,"steps":[]}')`.execute(writer),
    )
  }

  await using database = await openDatabase(place.url)

  expect(await getPlanned(database.read, 'p#1')).toEqual({
    pipelineText: 'version: 1',
    plan: { version: 1, steps: [] },
  })
  expect(await getRun(database.read, 'p#1')).toMatchObject({ id: 'p#1', state: 'succeeded' })
})
