import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { setSecret } from '../../src/api/access.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { DATABASES } from '../harness/databases.ts'
import { openTestServer, type TestServer } from '../harness/server.ts'

const SECRET = 'Zq7-secret-of-the-warehouse-91'

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer

  beforeAll(async () => {
    place = await openTestServer(kind)
  })
  afterAll(() => place[Symbol.asyncDispose]())

  /** Of every row of every table, those that hold it. */
  async function rowsWith(text: string): Promise<string[]> {
    await using database = await openDatabase(place.databaseUrl)
    const found: string[] = []
    for (const { name } of await database.read.introspection.getTables()) {
      const { rows } = await sql`select * from ${sql.table(name)}`.execute(database.read)
      for (const row of rows)
        if (JSON.stringify(row).includes(text)) found.push(`${name}: ${JSON.stringify(row).slice(0, 300)}`)
    }
    return found
  }

  test('a secret that a step prints, fails with and reports stands in no row', async () => {
    const ana = await place.person('ana')
    const report = `<testsuite name="s"><testcase name="t"><failure message="got $KEY">$KEY</failure></testcase></testsuite>`
    const project = await place.project('tells', {
      'step.sh': `echo "printed $KEY"; echo "$KEY" >&2; echo '${report}' | sed "s/[$]KEY/$KEY/g" > junit.xml; echo "{\\"of $KEY\\": {\\"loss\\": 1}}" > m.json; exit 3\n`,
      'tidegate.yaml': `steps:
  unit: { stage: unit-tests, run: sh step.sh, secrets: [KEY], reports: { junit: junit.xml }, metrics: [m.json] }
`,
    })
    const params = { project: 'tells', name: 'KEY' }
    await place.admin.client.call(setSecret, { params, body: { value: SECRET } })

    const push = await project.push(ana)
    const run = await project.run(1)

    expect(run.state).toBe('failed')
    expect(push.stderr).not.toContain(SECRET)
    expect(await project.log(1, 'unit')).toContain('printed ***')
    expect(await rowsWith('got ')).not.toEqual([])
    expect(await rowsWith('of ***.loss')).not.toEqual([])
    expect(await rowsWith(SECRET)).toEqual([])
  })
})
