import { expect, test } from 'vitest'
import { interleave } from './interleave.ts'

/** Says each item when it is let. */
function source() {
  const doors: PromiseWithResolvers<string | undefined>[] = [Promise.withResolvers()]
  let isClosed = false
  async function* items() {
    try {
      for (;;) {
        const item = await doors.at(-1)!.promise
        if (item === undefined) return
        doors.push(Promise.withResolvers())
        yield item
      }
    } finally {
      isClosed = true
    }
  }
  return {
    items: items(),
    say: (item: string | undefined) => doors.at(-1)!.resolve(item),
    fail: (error: Error) => doors.at(-1)!.reject(error),
    isClosed: () => isClosed,
  }
}

async function next(lines: AsyncIterator<string>): Promise<string | undefined> {
  const step = await lines.next()
  return step.done === true ? undefined : step.value
}

test('items of several sources come as they are said, and it ends with the last source', async () => {
  const [one, two] = [source(), source()]
  const lines = interleave([one.items, two.items])

  two.say('two first')
  const first = await next(lines)
  one.say('then one')
  const second = await next(lines)
  one.say(undefined)
  two.say('two again')
  const third = await next(lines)
  two.say(undefined)

  expect([first, second, third]).toEqual(['two first', 'then one', 'two again'])
  expect(await next(lines)).toBeUndefined()
})

test('a source that fails ends it after what was said before', async () => {
  const [one, two] = [source(), source()]
  const lines = interleave([one.items, two.items])

  one.say('said')
  const said = await next(lines)
  two.fail(new Error('away'))

  expect(said).toBe('said')
  await expect(lines.next()).rejects.toThrow('away')
})

test('sources are closed when the reader leaves, also those whose item waits and those that speak later', async () => {
  const [one, two] = [source(), source()]
  const lines = interleave([one.items, two.items])

  one.say('said')
  two.say('waits')
  await next(lines)
  await lines.return(undefined)
  one.say('later')

  await expect.poll(() => [one.isClosed(), two.isClosed()]).toEqual([true, true])
})
