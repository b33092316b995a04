import { existsSync } from 'node:fs'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getLog, rerunRun, searchLog } from '../../src/api/runs.ts'
import { collectGarbage } from '../../src/api/system.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { DATABASES } from '../harness/databases.ts'
import { openTestServer, type TestServer } from '../harness/server.ts'

const DAY_MS = 24 * 3_600_000

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer

  beforeAll(async () => {
    place = await openTestServer(kind)
  })
  afterAll(() => place[Symbol.asyncDispose]())

  const collect = () => place.admin.client.call(collectGarbage, { body: {} })
  const folderOf = (run: string) => join(place.dataFolder, 'attempts', ...run.split('#'), 'say', '1')

  /** As if the attempt of the run's only step had ended so long ago. */
  async function age(run: string, ms: number): Promise<void> {
    const at = Date.now() - ms
    await using database = await openDatabase(place.databaseUrl)
    await database.write(async (writer) => {
      await writer.updateTable('attempts').set({ ended_at: at }).where('run_id', '=', run).execute()
    })
    await utimes(folderOf(run), new Date(at), new Date(at))
  }

  test('a log goes after 90 days and says so; that of its rerun, and that of yesterday, stay whole', async () => {
    const ana = await place.person('ana')
    const project = await place.project('says', {
      'tidegate.yaml': `steps:\n  say: { run: 'echo "by run $TIDEGATE_RUN"' }\n`,
    })
    await project.push(ana)
    await project.commit({ 'more.txt': 'more\n' })
    await project.push(ana)
    await age('says#1', 91 * DAY_MS)
    await age('says#2', 89 * DAY_MS)
    await ana.client.call(rerunRun, { params: { project: 'says', number: 1 }, body: { failed: false } })
    await project.ended(3)

    const { rows } = await collect()

    expect(rows).toContainEqual(expect.objectContaining({ what: 'attempts/says/1/say/1', why: 'log past its time' }))
    expect(['says#1', 'says#2', 'says#3'].map((run) => existsSync(folderOf(run)))).toEqual([false, true, true])
    expect(await project.log(2, 'say')).toBe('by run says#2\n')
    expect(await project.log(3, 'say')).toBe('by run says#3\n')
    const params = { project: 'says', number: 1, step: 'say' }
    const gone = {
      code: 'NOT_FOUND',
      message: expect.stringMatching(/^The log of says#1\/say\/1 \(14 bytes\) is not kept/),
    }
    await expect(ana.client.fetch(getLog, { params, query: {} })).rejects.toMatchObject(gone)
    await expect(ana.client.call(searchLog, { params, query: { pattern: 'by' } })).rejects.toMatchObject(gone)
  })
})
