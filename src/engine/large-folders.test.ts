import { expect, test } from 'vitest'
import type { PlanStep } from '../core/plan.ts'
import type { TreeFile } from '../core/tree.ts'
import { besideFolders, largeFolders } from './large-folders.ts'
import { mergeFiles, type PlacedOutput } from './select-inputs.ts'

const file = (path: string, size = 1): TreeFile => ({ path, digest: `sha256:${path}`, size, executable: false })
const folder = (path: string, files: readonly TreeFile[]): PlacedOutput => ({
  path,
  ref: { kind: 'tree', digest: `sha256:tree of ${path}`, size: 0 },
  files,
})
const many = Array.from({ length: 1_000 }, (_, at) => file(`${at}.jpg`))
const images = folder('data/images/', many)
const step = (changes: Partial<PlanStep> = {}) =>
  ({ outs: ['model.onnx'], metrics: [], reports: {}, ...changes }) as unknown as PlanStep

function found(wanted: PlanStep, outputs: readonly PlacedOutput[], keep: (path: string) => boolean = () => true) {
  const inputs = [...mergeFiles([file('train.py')], outputs).values()].filter(({ path }) => keep(path))
  const folders = largeFolders(wanted, inputs, outputs)
  return { paths: folders.map(({ path }) => path), beside: besideFolders(inputs, folders).map(({ path }) => path) }
}

test('a folder of many files, or of many bytes, is not put into the workspace file by file', () => {
  const heavy = folder('data/heavy', [file('one.bin', 300 << 20)])

  expect(found(step(), [images, heavy])).toEqual({ paths: ['data/images', 'data/heavy'], beside: ['train.py'] })
})

test('a small folder is', () => {
  const small = folder('data/few', many.slice(0, 999))

  expect(found(step(), [small])).toMatchObject({ paths: [] })
  expect(found(step(), [small]).beside).toHaveLength(1_000)
})

test.each(['data/images/cache', 'data', 'data/images', './data/*.csv'])(
  'where %s is to be written it is copied',
  (out) => {
    expect(found(step({ outs: [out] }), [images]).paths).toEqual([])
    expect(found(step({ checkpoint: [out] }), [images]).paths).toEqual([])
  },
)

test('what is written beside it does not matter', () => {
  expect(found(step({ outs: ['data/images-small', 'out/*.png'] }), [images]).paths).toEqual(['data/images'])
})

test('of a folder that is not seen whole, or not as it was made, the files count', () => {
  const later = folder('data/images/0.jpg', [file('x')])

  expect(found(step(), [images], (path) => path !== 'data/images/7.jpg').paths).toEqual([])
  expect(found(step(), [images, later]).paths).toEqual([])
})
