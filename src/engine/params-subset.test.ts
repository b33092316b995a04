import { array, assert, boolean, constantFrom, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { parseDocument, visit } from 'yaml'
import { paramsFiles, takeSubset } from './params-subset.ts'

test('params are grouped by file; a file without a key is wanted whole', () => {
  expect(paramsFiles(['p.yaml:a', 'p.yaml:b.c', 'q.json', 'q.json:x'])).toEqual([
    { path: 'p.yaml', keys: ['a', 'b.c'] },
    { path: 'q.json', keys: undefined },
  ])
})

test('only what is named is left, in its place', () => {
  const text = 'train: { depth: 3, rate: 0.1 }\ndata: { seed: 1 }\nmore: 1\n'
  const subset = takeSubset({ path: 'p.yaml', keys: ['data', 'train.depth'] }, text)
  expect(subset.text).toBe('train:\n  depth: 3\ndata: { seed: 1 }\n')
  expect(subset.values).toEqual({ 'p.yaml:train.depth': '3', 'p.yaml:data': { seed: '1' } })
})

test('JSON stays JSON, and no digit of it is lost', () => {
  const take = (keys: string[], text: string) => takeSubset({ path: 'p.json', keys }, text)
  expect(take(['a'], '{"a":[1, 9007199254740993],"b":2}').text).toBe('{\n  "a": [1, 9007199254740993]\n}\n')
  expect(take(['a.b', 'a.d'], '{\n\t"a": {"b":1.0,"c":2,"d":{"x":"\\u00e9"}}}').text).toBe(
    '{\n  "a": {\n    "b": 1.0,\n    "d": {"x":"\\u00e9"}\n  }\n}\n',
  )
  expect(take(['a.x'], '{"a":{"x":"word"}}').values).toEqual({ 'p.json:a.x': 'word' })
  expect(() => take(['a'], '{a: 1}')).toThrow('p.json cannot be read')
})

test('a step reads each value as the file writes it, because versions of YAML mean different things by it', () => {
  const text = `train:
  country: "no"
  flag: no
  version: 2024_01
  time: 12:30:00
  large: 9007199254740993
  rate: 1.0e-3
  least: -.inf
  emoji: "\\ud83d\\ude00"
  text: |
    # not a comment
  on: 0o17 # a comment
`
  expect(takeSubset({ path: 'p.yaml', keys: ['train'] }, text).text).toBe(text.replace(' # a comment', ''))
})

test('what differs only in how a reader takes it differs', () => {
  const take = (value: string) => takeSubset({ path: 'p.yaml', keys: ['a'] }, `a: ${value}\n`)
  expect(take('no')).toEqual({ text: 'a: no\n', values: { 'p.yaml:a': 'no' } })
  expect(take('"no"')).toEqual({ text: 'a: "no"\n', values: { 'p.yaml:a': '"no"' } })
  expect(take('9007199254740993').text).not.toBe(take('9007199254740992').text)
  expect(take('1.0').text).not.toBe(take('1').text)
  expect(take('!!str 1').text).toBe('a: !!str 1\n')
})

test('an alias is what it stands for, also where its anchor is not taken', () => {
  const take = (text: string) => takeSubset({ path: 'p.yaml', keys: ['train'] }, text)
  expect(take('base: &base { rate: 1 }\ntrain:\n  <<: *base\n  depth: 2\n').text).toBe(
    'train:\n  <<: { rate: 1 }\n  depth: 2\n',
  )
  expect(() => take('train: *base')).toThrow('p.yaml cannot be read: *base stands for nothing')
  expect(() => take('train: &a { b: *a }')).toThrow('*a stands for something that it is a part of')
})

test('what `<<` brings in is there under its own name, and what stands beside it comes first', () => {
  const text = `base: &base { rate: 1, depth: 9, seed: { a: 1, b: 2 } }
more: &more { rate: 2, extra: 3 }
train:
  depth: 2
  <<: [*base, *more]
deep: &deep { <<: *more, own: 1 }
last: { <<: *deep }
quoted: { "<<": *deep }
loop: &loop { <<: *loop }
`
  const take = (...keys: string[]) => takeSubset({ path: 'p.yaml', keys }, text)

  expect(take('train.rate', 'train.depth', 'train.extra').text).toBe('train:\n  depth: 2\n  rate: 1\n  extra: 3\n')
  expect(take('train.seed.b').text).toBe('train:\n  seed:\n    b: 2\n')
  expect(take('last.extra', 'last.own').values).toEqual({ 'p.yaml:last.extra': '3', 'p.yaml:last.own': '1' })
  expect(take('train', 'train.extra').values).toMatchObject({ 'p.yaml:train.extra': '3' })
  expect(() => take('quoted.own')).toThrow('p.yaml has no quoted.own')
  expect(() => take('loop.x')).toThrow('p.yaml has no loop.x')
  expect(() => takeSubset({ path: 'p.json', keys: ['a.b'] }, '{"a": {"<<": {"b": 1}}}')).toThrow('p.json has no a.b')
})

test('merges of merges are looked into once', () => {
  const names = Array.from({ length: 40 }, (_, at) => `a${at}`)
  const text = names.map((name, at) => `${name}: &${name} ${at === 0 ? '{}' : `{ <<: [*a${at - 1}, *a${at - 1}] }`}`)

  expect(() => takeSubset({ path: 'p.yaml', keys: ['a39.x'] }, text.join('\n'))).toThrow('p.yaml has no a39.x')
})

test('aliases that stand for more than fits into memory are refused', () => {
  const ten = (name: string) => `[${Array.from({ length: 10 }, () => name).join(', ')}]`
  const lines = [
    'a: &a ' + ten('x'),
    ...['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh'].map(([from, to]) => `${to}: &${to} ${ten(`*${from}`)}`),
  ]
  expect(() => takeSubset({ path: 'p.yaml', keys: ['h'] }, lines.join('\n'))).toThrow('stand for too much')
})

const SCALARS = [
  'no',
  '"no"',
  "'it''s'",
  '2024_01',
  '12:30:00',
  '0x1F',
  '1.0e-3',
  '.NaN',
  '~',
  'é x',
  '"a\\tb"',
  '!!float "1"',
  'x-',
]

test('whatever is taken is written as it was', () => {
  assert(
    property(array(tuple(constantFrom(...SCALARS), constantFrom(...SCALARS), boolean()), { minLength: 1 }), (rows) => {
      const members = rows.map(([key, value, inBraces], at) =>
        inBraces ? `    k${at}: { ${key}: ${value}, l: [${value}] }` : `    k${at}:\n      ${key}:\n        - ${value}`,
      )
      const text = `other: 1\ntop:\n  taken:\n${members.join('\n')}\n`
      const subset = takeSubset({ path: 'p.yaml', keys: ['top.taken'] }, text)
      expect(sources(subset.text)).toEqual(sources(text).slice(2))
    }),
  )
})

function sources(text: string): string[] {
  const found: string[] = []
  const document = parseDocument(text, { schema: 'failsafe', resolveKnownTags: false, logLevel: 'silent' })
  visit(document, {
    Scalar: (_, { source, type, tag }) => void found.push(`${tag ?? ''} ${type} ${source}`),
  })
  return found
}

test('a key that the file lacks is named', () => {
  expect(() => takeSubset({ path: 'p.yaml', keys: ['train.dpeth'] }, 'train: { depth: 3 }')).toThrow(
    'has no train.dpeth',
  )
})

test('what is wrong with a file is said in one line', () => {
  const take = () => takeSubset({ path: 'p.yaml', keys: ['a'] }, 'a: 1\na: 2\n')

  expect(take).toThrow(/p\.yaml cannot be read: the key a stands twice, again at line 2, column 1$/)
})

test('a format that we cannot read is refused', () => {
  expect(() => takeSubset({ path: 'p.toml', keys: ['a'] }, 'a = 1')).toThrow('neither YAML nor JSON')
})

test('no key reaches what objects inherit', () => {
  expect(() => takeSubset({ path: 'p.json', keys: ['constructor.name'] }, '{}')).toThrow('has no constructor.name')
})
