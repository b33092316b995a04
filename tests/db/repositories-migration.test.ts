import { sql } from 'kysely'
import { expect, test, describe } from 'vitest'
import { openDatabase, type Database } from '../../src/db/open-database.ts'
import { getProject } from '../../src/source/projects.ts'
import { unhandledUpdates } from '../../src/source/pushes.ts'
import { createTestDatabase, DATABASES } from '../harness/databases.ts'

/** When each project was a repository of its own. */
const BEFORE = 11

async function insertOldRows(database: Database): Promise<void> {
  await database.write(async (writer) => {
    for (const [name, path] of [
      ['digits', ''],
      ['churn', 'services/churn'],
    ]) {
      await sql`insert into projects (name, default_branch, path, priority, created_at, created_by)
        values (${name}, 'main', ${path}, 'normal', 1, 'ana')`.execute(writer)
    }
    await sql`insert into pushes (id, project, person, at) values ('p1', 'churn', 'ana', 1)`.execute(writer)
    await sql`insert into push_updates (push_id, ref, old_commit, new_commit, handled_at)
      values ('p1', 'refs/heads/main', '0', '1', null)`.execute(writer)
  })
}

describe.each(DATABASES)('on %s', (kind) => {
  test('projects and pushes from before repositories had names are in the repository of their own name', async () => {
    await using place = await createTestDatabase(kind)
    {
      await using before = await openDatabase(place.url, BEFORE)
      await insertOldRows(before)
    }

    await using after = await openDatabase(place.url)

    expect(await getProject(after.read, 'digits')).toMatchObject({ repository: 'digits', path: '' })
    expect(await getProject(after.read, 'churn')).toMatchObject({ repository: 'churn', path: 'services/churn' })
    expect(await unhandledUpdates(after.read)).toMatchObject([{ pushId: 'p1', repository: 'churn' }])
  })
})
