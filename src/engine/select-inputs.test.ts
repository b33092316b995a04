import { expect, test } from 'vitest'
import type { TreeFile } from '../core/tree.ts'
import { sha256 } from '../lib/sha256.ts'
import { mergeFiles, selectFiles } from './select-inputs.ts'

const file = (path: string, content = path): TreeFile => ({
  path,
  digest: sha256(content),
  size: content.length,
  executable: false,
})
const SOURCE = ['train.py', 'src/a.py', 'src/deep/b.py', 'srcs/c.py', 'data/old.csv', 'README.md'].map((path) =>
  file(path),
)
const select = (...deps: string[]) => selectFiles(mergeFiles(SOURCE, []), deps).files.map((each) => each.path)

test('a dep is a file, a folder with or without its slash, or a glob', () => {
  expect(select('train.py')).toEqual(['train.py'])
  expect(select('src/')).toEqual(['src/a.py', 'src/deep/b.py'])
  expect(select('src')).toEqual(['src/a.py', 'src/deep/b.py'])
  expect(select('src/*.py')).toEqual(['src/a.py'])
  expect(select('**/*.py')).toEqual(['src/a.py', 'src/deep/b.py', 'srcs/c.py', 'train.py'])
  expect(select('./train.py')).toEqual(['train.py'])
  expect(select('.')).toHaveLength(SOURCE.length)
})

test('a dep that names nothing is told, a glob may match nothing', () => {
  expect(selectFiles(mergeFiles(SOURCE, []), ['nope.py', 'src/', '*.none'])).toMatchObject({ missing: ['nope.py'] })
})

test('no deps are no files', () => {
  expect(select()).toEqual([])
})

test('an output takes the place of what stood there, a folder as a whole', () => {
  const made = { kind: 'tree', digest: sha256('tree'), size: 1 } as const
  const merged = mergeFiles(SOURCE, [{ path: 'data/', ref: made, files: [file('new.csv'), file('sub/x.csv')] }])
  expect([...merged.keys()].filter((path) => path.startsWith('data'))).toEqual(['data/new.csv', 'data/sub/x.csv'])
})

test('the later output wins', () => {
  const made = (content: string) => ({
    path: 'm.bin',
    ref: { kind: 'file', digest: sha256(content), size: 1 } as const,
    files: [],
  })
  const merged = mergeFiles(SOURCE, [made('first'), made('second')])
  expect(merged.get('m.bin')?.digest).toBe(sha256('second'))
})
