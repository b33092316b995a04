import { expect, test } from 'vitest'
import { whyCollect } from './collect-regularly.ts'

const HOUR = 3_600_000

test('garbage is collected a quarter of an hour after the start, and then once a day', () => {
  const at = (upHours: number, restedHours: number) =>
    whyCollect({ upMs: upHours * HOUR, restedMs: restedHours * HOUR, freeShare: 0.5 })

  expect([at(0.2, Infinity), at(0.25, Infinity)]).toEqual([undefined, 'time'])
  expect([at(24, 23.7), at(25, 24)]).toEqual([undefined, 'time'])
})

test('on a disk that is nearly full it is collected at once, and after that every hour', () => {
  const at = (restedHours: number, freeShare: number) =>
    whyCollect({ upMs: 0, restedMs: restedHours * HOUR, freeShare })

  expect([at(Infinity, 0.06), at(Infinity, 0.04)]).toEqual([undefined, 'disk'])
  expect([at(0.9, 0), at(1, 0)]).toEqual([undefined, 'disk'])
})
