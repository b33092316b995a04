import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEngine } from '../../src/engine/engine.ts'
import { createKernel } from '../../src/engine/kernel.ts'
import { getStep } from '../../src/engine/steps.sql.ts'
import { collectWhys } from '../../src/engine/waiting-whys.ts'
import { DATABASES } from '../harness/databases.ts'
import { command, openEnginePlace, planOf, type EnginePlace } from './engine-place.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: EnginePlace
  beforeAll(async () => {
    place = await openEnginePlace(kind)
  })
  afterAll(() => place[Symbol.asyncDispose]())

  test('a reason that could not be written is written later, though nobody says it anew', async () => {
    const { id } = await place.create(createEngine(place.options()), {
      plan: planOf(command('a', ''), command('b', '')),
    })
    const step = async (key: string) => ({ ...(await getStep(place.database.read, id, key))!, adopts: 0 })
    const whys = collectWhys(createKernel(place.options()))
    whys.say(await step('a'), 'waits for b')
    // A table that is not there under its name refuses the write, as a full disk does.
    await place.database.write((writer) => sql`alter table steps rename to away`.execute(writer))
    await expect(whys.write()).rejects.toThrow('steps')
    await place.database.write((writer) => sql`alter table away rename to steps`.execute(writer))

    await sleep(350)
    whys.say(await step('a'), 'waits for b')
    whys.say(await step('b'), 'waits for room')
    await whys.write()

    expect([(await step('a')).why, (await step('b')).why]).toEqual(['waits for b', 'waits for room'])
  })
})
