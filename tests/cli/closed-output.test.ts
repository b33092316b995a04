import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCommandPlace, type CommandPlace } from './command.ts'

let place: CommandPlace

beforeAll(async () => {
  place = await openCommandPlace()
})
afterAll(() => place[Symbol.asyncDispose]())

test('a run whose output nobody reads any more goes on to its end, and complains of nothing', async () => {
  const folder = await place.repository('unread', {
    'tidegate.yaml': `version: 1
steps:
  first: { run: echo 1 }
  second: { run: sleep 1, needs: [first] }
  last: { run: echo 3, needs: [second] }
`,
  })

  const child = place.start(folder, ['run'])
  await once(child.stdout, 'data')
  child.stdout.destroy()
  const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)])

  // Only a run that has succeeded ends with 0.
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

test('a command that only prints ends with its usual code', async () => {
  const folder = await place.repository('wrong', { 'tidegate.yaml': 'steps: { train: { rum: x } }\n' })

  const child = place.start(folder, ['lint'])
  child.stdout.destroy()
  const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)])

  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
})
