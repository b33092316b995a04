import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { prepared, preparedFor } from '../../src/db/prepared.ts'
import { DATABASES, openTestDatabase, type TestDatabase } from '../harness/databases.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestDatabase
  beforeAll(async () => {
    place = await openTestDatabase(kind)
    await place.database.write(async (writer) => {
      const cursors = ['a', 'b', 'c'].map((consumer, at) => ({ consumer, last_id: at }))
      await writer.insertInto('cursors').values(cursors).execute()
    })
  })
  afterAll(() => place[Symbol.asyncDispose]())

  test('a prepared query is built once, and each call has its own values', async () => {
    let built = 0
    const above = prepared((reader, id: number, count: number) => {
      built += 1
      return reader.selectFrom('cursors').select('consumer').where('last_id', '>', id).orderBy('last_id').limit(count)
    })

    expect(await above(place.database.read, 0, 5)).toEqual([{ consumer: 'b' }, { consumer: 'c' }])
    expect(await above(place.database.read, -1, 1)).toEqual([{ consumer: 'a' }])
    expect(await place.database.write((writer) => above(writer, 1, 5))).toEqual([{ consumer: 'c' }])
    // Once for readers and once for writers, which are two connections on SQLite.
    expect(built).toBeLessThanOrEqual(2)
  })

  test('a query whose shape varies is built once for each shape', async () => {
    const named = preparedFor<number, { last_id: number }>((reader, _, names) =>
      reader.selectFrom('cursors').select('last_id').where('consumer', 'in', names).orderBy('last_id'),
    )

    expect(await named(place.database.read, 1, ['b'])).toEqual([{ last_id: 1 }])
    expect(await named(place.database.read, 2, ['c', 'a'])).toEqual([{ last_id: 0 }, { last_id: 2 }])
    expect(await named(place.database.read, 1, ['c'])).toEqual([{ last_id: 2 }])
  })
})
