import { expect, test } from 'vitest'
import { paramsFiles, takeSubset } from './params-subset.ts'

test('params are grouped by file; a file without a key is wanted whole', () => {
  expect(paramsFiles(['p.yaml:a', 'p.yaml:b.c', 'q.json', 'q.json:x'])).toEqual([
    { path: 'p.yaml', keys: ['a', 'b.c'] },
    { path: 'q.json', keys: undefined },
  ])
})

test('only what is named is left, in its place', () => {
  const text = 'train: { depth: 3, rate: 0.1 }\ndata: { seed: 1 }\n'
  const subset = takeSubset({ path: 'p.yaml', keys: ['train.depth', 'data'] }, text)
  expect(subset.text).toBe('train:\n  depth: 3\ndata:\n  seed: 1\n')
  expect(subset.values).toEqual({ 'p.yaml:train.depth': 3, 'p.yaml:data': { seed: 1 } })
})

test('JSON stays JSON', () => {
  expect(takeSubset({ path: 'p.json', keys: ['a'] }, '{"a":[1],"b":2}').text).toBe('{\n  "a": [\n    1\n  ]\n}\n')
})

test('a key that the file lacks is named', () => {
  expect(() => takeSubset({ path: 'p.yaml', keys: ['train.dpeth'] }, 'train: { depth: 3 }')).toThrow(
    'has no train.dpeth',
  )
})

test('a format that we cannot read is refused', () => {
  expect(() => takeSubset({ path: 'p.toml', keys: ['a'] }, 'a = 1')).toThrow('neither YAML nor JSON')
})

test('no key reaches what objects inherit', () => {
  expect(() => takeSubset({ path: 'p.json', keys: ['constructor.name'] }, '{}')).toThrow('has no constructor.name')
})
