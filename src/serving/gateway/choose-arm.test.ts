import { expect, test } from 'vitest'
import { bucketOf, chooseArm } from './choose-arm.ts'

const KEYS = Array.from({ length: 20_000 }, (_, i) => String(100_000 + i))

function challengers(weight: number, salt = 's'): Set<string> {
  const arms: Parameters<typeof chooseArm>[0] = [
    { arm: 'champion', weight: 1 - weight },
    { arm: 'challenger', weight },
  ]
  return new Set(KEYS.filter((key) => chooseArm(arms, salt, key).arm === 'challenger'))
}

test('the share of keys that see the challenger is its weight', () => {
  for (const weight of [0.01, 0.05, 0.5, 0.9]) {
    const spread = Math.sqrt((weight * (1 - weight)) / KEYS.length)
    expect(Math.abs(challengers(weight).size / KEYS.length - weight)).toBeLessThan(5 * spread)
  }
})

test('a key that sees the challenger at one weight sees it at every greater one', () => {
  const [few, many] = [challengers(0.05), challengers(0.5)]

  expect([...few].every((key) => many.has(key))).toBe(true)
})

test('weights of 0 and 1 are exact, and one arm alone serves everybody', () => {
  expect(challengers(0).size).toBe(0)
  expect(challengers(1).size).toBe(KEYS.length)
  expect(chooseArm([{ arm: 'challenger', weight: 1 }], 's', 'k').arm).toBe('challenger')
})

test('another salt chooses other keys', () => {
  expect(bucketOf('a', 'key')).not.toBe(bucketOf('b', 'key'))
  expect(bucketOf('a', 'key')).toBe(bucketOf('a', 'key'))
})
