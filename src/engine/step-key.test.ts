import { expect, test } from 'vitest'
import { sha256 } from '../lib/sha256.ts'
import { explainMiss, KEY_FORM, stepKey, type KeyParts } from './step-key.ts'

const PARTS: KeyParts = {
  form: KEY_FORM,
  work: 'python train.py',
  input: {},
  environment: { environment: 'lock-1' },
  deps: { 'train.py': sha256('1'), 'data.csv': sha256('2') },
  params: { 'params.yaml:train': { depth: '3', rate: '0.1' } },
  paramsFiles: { 'params.yaml': sha256('3') },
  env: { SEED: '1' },
  variables: { TIDEGATE_BRANCH: 'main' },
  secrets: [],
  matrix: {},
  outs: ['model.bin'],
  metrics: ['metrics.json'],
  reports: {},
  outFolders: [],
  platform: 'linux-x64',
}

test('the order in which things are written does not matter', () => {
  const turned = { ...PARTS, deps: { 'data.csv': sha256('2'), 'train.py': sha256('1') } }
  expect(stepKey(turned)).toBe(stepKey(PARTS))
})

const CHANGES: [string, Partial<KeyParts>][] = [
  ['command changed', { work: 'python train.py --fast' }],
  ['build environment: environment changed', { environment: { environment: 'lock-2' } }],
  ['deps: data.csv is gone, train.py changed', { deps: { 'train.py': sha256('9') } }],
  [
    'params: params.yaml:train.depth 3 → 4',
    { params: { 'params.yaml:train': { depth: '4', rate: '0.1' } }, paramsFiles: { 'params.yaml': sha256('4') } },
  ],
  ['params: params.yaml changed', { paramsFiles: { 'params.yaml': sha256('4') } }],
  ['env: FAST is new', { env: { SEED: '1', FAST: '1' } }],
  ['variables: TIDEGATE_BRANCH changed', { variables: { TIDEGATE_BRANCH: 'fix' } }],
  ['matrix changed', { matrix: { seed: 1 } }],
  ['outs changed', { outs: [] }],
  ['outs changed; metrics changed', { outs: ['metrics.json', 'model.bin'], metrics: [] }],
  ['metrics changed; reports changed', { metrics: [], reports: { junit: ['metrics.json'] } }],
  ['folders of its outputs came or went with files that it does not see', { outFolders: ['data'] }],
  ['another operating system or architecture', { platform: 'linux-arm64' }],
]

test.each(CHANGES)('%s', (why, change) => {
  const now = { ...PARTS, ...change }
  expect(stepKey(now)).not.toBe(stepKey(PARTS))
  expect(explainMiss(now, [PARTS])).toBe(why)
})

test('several changes are all named, long lists of files are cut', () => {
  const deps = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, sha256(name)]))
  expect(explainMiss({ ...PARTS, work: 'x', deps }, [{ ...PARTS, deps: {} }])).toBe(
    'command changed; deps: a is new, b is new, c is new and 2 more',
  )
})

test('nothing to compare with is the first run', () => {
  expect(explainMiss(PARTS, [])).toBe('first run of this step')
})

test('after a detour that was taken back, a miss names only what really changed', () => {
  const detour = { ...PARTS, work: 'other', deps: { 'train.py': `sha256:${'0'.repeat(64)}` } } as const
  const now = { ...PARTS, env: { SEED: '2' } }

  expect(explainMiss(now, [detour, PARTS])).toBe(explainMiss(now, [PARTS]))
})

test('entries of an older form explain nothing, and are not taken for a first run', () => {
  const { metrics: _, reports: __, form: ___, ...old } = PARTS

  expect(explainMiss(PARTS, [old as unknown as KeyParts])).toContain('since an update of Tidegate')
  expect(explainMiss({ ...PARTS, outs: [] }, [old as unknown as KeyParts, PARTS])).toBe('outs changed')
})
