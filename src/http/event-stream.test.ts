import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eventStream } from './event-stream.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('nothing more is said on a stream whose source has failed', async () => {
  const response = eventStream(new AbortController().signal, async function* () {
    yield { id: '1', event: 'log', data: {} }
    throw new Error('the log cannot be read')
  })

  await expect(response.text()).rejects.toThrow('the log cannot be read')

  expect(vi.getTimerCount()).toBe(0)
})
