import { afterAll, beforeAll, expect, test } from 'vitest'
import { runDelivery } from '../../src/delivery/delivery-loop.ts'
import { openTestDatabase, type TestDatabase } from '../harness/databases.ts'
import { freshPlace, production } from './delivery-place.ts'

let opened: TestDatabase

beforeAll(async () => {
  opened = await openTestDatabase('sqlite')
})

afterAll(() => opened[Symbol.asyncDispose]())

test('a model that does not answer its testers’ questions, and a gateway that is away, keep no other deployment waiting', async () => {
  const place = await freshPlace(opened)
  const { traffic } = place
  for (const host of ['production/1', 'elsewhere/2']) traffic.hosts.set(host, { state: 'ready', restarts: 0 })
  const answers = Promise.withResolvers<never>()
  traffic.answerCases = () => answers.promise
  let looks = 0
  const status = traffic.status.bind(traffic)
  traffic.status = () => (looks++ % 2 === 0 ? Promise.reject(new Error('connect ECONNREFUSED')) : status())
  const errors: string[] = []
  const log = { info: () => undefined, error: (_: object, event: string) => errors.push(event) }
  const stopping = new AbortController()
  const options = { ...place.options, log, isLast: async () => false }

  const running = runDelivery(options, stopping.signal)
  const asked = await place.send(1, production('{ approval: none, acceptance: { testers: [tess] } }'))
  await expect.poll(() => place.state(asked), { timeout: 20_000 }).toBe('awaiting-acceptance')
  const other = await place.send(2, { ...production('{ approval: none }'), name: 'elsewhere' })
  await expect.poll(() => place.state(other), { timeout: 20_000 }).toBe('live')

  expect(errors).toContain('look at deployments failed, will be tried again')
  expect(await place.state(asked)).toBe('awaiting-acceptance')
  stopping.abort()
  answers.reject(new Error('stopped'))
  await running
})
