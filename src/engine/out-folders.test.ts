import { expect, test } from 'vitest'
import type { TreeFile } from '../core/tree.ts'
import { hiddenOutFolders } from './out-folders.ts'

const file = (path: string) => ({ path, digest: `sha256:${'0'.repeat(64)}`, size: 0, executable: false }) as TreeFile
const all = new Map(
  ['train.py', 'data/raw.csv', 'src/lib/a.py', 'reports/old/x'].map((path) => [path, file(path)] as const),
)

test.each([
  ['a folder of the commit that deps hide', ['data/train.csv'], ['data']],
  ['as a folder that is an output itself', ['data/clean/'], ['data']],
  ['not one that the step sees', ['src/lib/b.py', 'src/model'], []],
  ['not one that the commit lacks', ['models/a.pkl', 'data/clean/a.csv'], []],
  ['not the workspace itself', ['model.pkl'], []],
  ['not a pattern', ['repo*/junit.xml'], []],
])('%s', (_, outs, expected) => {
  const step = { outs, metrics: [], reports: {} }

  expect(hiddenOutFolders(step, all, [file('train.py'), file('src/lib/a.py')])).toEqual(expected)
})

test('reports and metrics are promised too', () => {
  const step = { outs: [], metrics: ['data/m.json'], reports: { junit: ['reports/old/j.xml'] } }

  expect(hiddenOutFolders(step, all, [])).toEqual(['data', 'reports/old'])
})
