import { expect, test } from 'vitest'
import { attemptPlace, stepSlug } from './attempt-place.ts'

test('an attempt has an id and folders of its own', () => {
  const run = { id: 'digits#12', project: 'digits', number: 12 }
  expect(attemptPlace('/data', run, 'train', 2)).toEqual({
    id: 'digits#12/train/2',
    folder: '/data/attempts/digits/12/train/2',
    workspace: '/data/workspaces/digits/12/train/2',
  })
})

test('a key that is no file name gets one, and different keys different ones', () => {
  const keys = ['unit (0, 3.11)', 'unit (0, 3 11)', 'Unit', 'unit', 'data:a/b.csv', '../../etc', '..', 'a'.repeat(200)]
  const slugs = keys.map(stepSlug)
  expect(new Set(slugs).size).toBe(keys.length)
  for (const slug of slugs) expect(slug).toMatch(/^[a-z0-9_-]{0,63}(\.[0-9a-f]{12})?$/)
})
