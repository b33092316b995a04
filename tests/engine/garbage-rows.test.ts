import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { latestDatasets } from '../../src/build/latest-datasets.sql.ts'
import { datasetsInUse } from '../../src/build/dataset-versions.sql.ts'
import { createEngine } from '../../src/engine/engine.ts'
import { checkpointsInUse, sourceTreesInUse } from '../../src/engine/garbage.sql.ts'
import { DATABASES } from '../harness/databases.ts'
import { openEnginePlace, planOf, type EnginePlace } from './engine-place.ts'

/** More than a list here was ever cut at. */
const MANY = 100_001

/** Fills what the database need not be told row by row. */
const NUMBERS = sql`with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(MANY)})`

describe.each(DATABASES)('on %s', (kind) => {
  let place: EnginePlace
  let runId: string
  beforeAll(async () => {
    place = await openEnginePlace(kind)
    runId = (await place.create(createEngine(place.options()), { plan: planOf() })).id
  })
  afterAll(() => place[Symbol.asyncDispose]())

  async function all(texts: AsyncGenerator<string>): Promise<string[]> {
    const found: string[] = []
    for await (const text of texts) found.push(text)
    return found
  }

  test('checkpoints are in use however many there are', async () => {
    await place.database.write((writer) =>
      sql`${NUMBERS} insert into attempts (id, run_id, step, number, state, executor, folder, log_bytes, log_lost_bytes, checkpoint, created_at)
        select ${runId} || '/train/' || n, ${runId}, 'train', n, 'failed', 'local', '', 0, 0, '{"n":' || n || '}', 0 from numbers`.execute(
        writer,
      ),
    )

    expect(new Set(await all(checkpointsInUse(place.database.read, 0))).size).toBe(MANY)
  })

  test('so are datasets, those that somebody pushed and those that runs were frozen to', async () => {
    await place.database.write(async (writer) => {
      await sql`${NUMBERS} insert into datasets (project, path, digest, artifact, run_id, frozen_at)
        select 'digits', 'data/' || n, '', '{"n":' || n || '}', ${runId}, 0 from numbers`.execute(writer)
      await sql`${NUMBERS} insert into dataset_versions (project, path, digest, artifact, identity, state, asked_at)
        select 'digits', 'data/' || n, '', '{"n":' || n || '}', '', 'approved', 0 from numbers`.execute(writer)
    })

    expect(new Set(await all(latestDatasets(place.database.read))).size).toBe(MANY)
    expect(new Set(await all(datasetsInUse(place.database.read))).size).toBe(MANY)
  })

  test('and the trees of runs, page after page', async () => {
    const run = await place.database.read
      .selectFrom('runs')
      .selectAll()
      .where('id', '=', runId)
      .executeTakeFirstOrThrow()
    const copies = Array.from({ length: 1_200 }, (_, at) => ({
      ...run,
      id: `digits#${at + 10}`,
      number: at + 10,
      dedupe_key: `copy ${at}`,
      source_tree: `sha256:${at % 1_100}`,
    }))
    await place.database.write(async (writer) => {
      for (let from = 0; from < copies.length; from += 100) {
        await writer
          .insertInto('runs')
          .values(copies.slice(from, from + 100))
          .execute()
      }
    })

    const trees = await all(sourceTreesInUse(place.database.read, 0))

    expect(trees.length).toBe(1_101)
    expect(new Set(trees).size).toBe(1_101)
  })
})
