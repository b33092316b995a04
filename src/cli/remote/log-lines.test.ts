import { expect, test } from 'vitest'
import { linesOf } from './log-lines.ts'
import type { LogPiece } from './log-pieces.ts'

async function* cutAt(log: Buffer, cut: number): AsyncGenerator<LogPiece> {
  const times = [{ offset: 0, at: 1_000 }]
  yield { offset: 0, bytes: log.subarray(0, cut), times, attempt: 1 }
  yield { offset: cut, bytes: log.subarray(cut), times, attempt: 1 }
  yield { offset: 0, bytes: Buffer.from('again\n'), times, attempt: 2 }
}

test('lines are whole wherever a log is cut, and none goes on into the next attempt', async () => {
  const log = Buffer.from('é one\r\n10 %\r20 %\n\nrest')
  const first = { attempt: 1, at: 1_000 }
  for (let cut = 0; cut <= log.length; cut++) {
    const lines: unknown[] = []
    for await (const some of linesOf(cutAt(log, cut))) lines.push(...some)
    expect(lines).toEqual([
      { ...first, offset: 0, text: 'é one' },
      { ...first, offset: 8, text: '20 %' },
      { ...first, offset: 18, text: '' },
      { ...first, offset: 19, text: 'rest' },
      { attempt: 2, at: 1_000, offset: 0, text: 'again' },
    ])
  }
})
