import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { seal, unseal } from './seal.ts'

const key = randomBytes(32)

test('a sealed value opens where it was sealed and looks different each time', () => {
  const once = seal(key, 'digits/TOKEN', 'hunter2 äß')
  const again = seal(key, 'digits/TOKEN', 'hunter2 äß')

  expect(unseal(key, 'digits/TOKEN', once)).toBe('hunter2 äß')
  expect(once).not.toBe(again)
  expect(once).not.toContain('hunter2')
})

test('a value that was moved, changed, cut short or sealed with another key does not open', () => {
  const sealed = seal(key, 'digits/TOKEN', 'hunter2')
  const parts = sealed.split('.')

  const attempts = [
    () => unseal(key, 'fraud/TOKEN', sealed),
    () => unseal(randomBytes(32), 'digits/TOKEN', sealed),
    () => unseal(key, 'digits/TOKEN', [...parts.slice(0, 3), Buffer.from('other').toString('base64url')].join('.')),
    () => unseal(key, 'digits/TOKEN', parts.slice(0, 3).join('.')),
    () => unseal(key, 'digits/TOKEN', [parts[0], parts[1], parts[2]!.slice(0, 6), parts[3]].join('.')),
    () => unseal(key, 'digits/TOKEN', ''),
  ]

  for (const attempt of attempts) expect(attempt).toThrow(/does not open/)
})
