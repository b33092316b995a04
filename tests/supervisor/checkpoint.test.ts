import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArtifacts } from '../../src/artifacts/open-artifacts.ts'
import { readTree } from '../../src/artifacts/read.ts'
import { openAttemptPlace, type AttemptPlace } from './attempt-place.ts'

let place: AttemptPlace

beforeAll(async () => {
  place = await openAttemptPlace()
})

afterAll(() => place[Symbol.asyncDispose]())

const TRAIN = `mkdir -p checkpoints; echo "$(($(cat checkpoints/epoch 2>/dev/null || echo 0) + 1))" > checkpoints/epoch`
const EMPTY = { paths: ['checkpoints/', 'state.bin'], files: [] }

test.each([
  ['fails', { run: `${TRAIN}; exit 3` }, 'exit'],
  ['takes too long', { run: `${TRAIN}; sleep 60`, timeoutMs: 300 }, 'timeout'],
])('an attempt that %s leaves its checkpoint', async (_, { run, ...changes }, reason) => {
  const { record } = await place.run(run, { checkpoint: EMPTY, ...changes })

  expect(record.reason).toBe(reason)
  expect(Object.keys(record.checkpoint ?? {})).toEqual(['checkpoints/'])
  const tree = await readTree(place.store, record.checkpoint!['checkpoints/']!.digest)
  expect(tree.files.map(({ path }) => path)).toEqual(['epoch'])
})

test('one that succeeds leaves none', async () => {
  const { record } = await place.run(TRAIN, { checkpoint: EMPTY })

  expect(record.checkpoint).toBeUndefined()
})

test('an attempt goes on from the files of the one before, but never over its own inputs', async () => {
  const before = await place.run(`${TRAIN}; echo other > params.yaml; exit 1`, {
    checkpoint: { paths: ['checkpoints/', 'params.yaml'], files: [] },
  })
  const refs = before.record.checkpoint!
  const [epoch] = (await readTree(place.store, refs['checkpoints/']!.digest)).files
  const files = [
    { ...epoch!, path: 'checkpoints/epoch' },
    { path: 'params.yaml', digest: refs['params.yaml']!.digest, size: 6, executable: false },
  ]

  const { log } = await place.run(`${TRAIN}; cat checkpoints/epoch params.yaml`, {
    inputs: [await place.file('params.yaml', 'given\n')],
    checkpoint: { paths: ['checkpoints/'], files },
  })

  expect(log).toBe('[tidegate] goes on from checkpoints/epoch of the attempt before\n2\ngiven\n')
})

test.each([
  [2, 'ck/0 and 1 more file'],
  [3, 'ck/0 and 2 more files'],
])('of %d files the log says %s', async (count, words) => {
  const files = Array.from({ length: count }, (_, index) => ({ path: `ck/${index}`, size: 2, executable: false }))
  const content = await openArtifacts(place.store).putBytes('1\n')

  const { log } = await place.run('true', {
    checkpoint: { paths: ['ck/'], files: files.map((file) => ({ ...file, digest: content.digest })) },
  })

  expect(log).toBe(`[tidegate] goes on from ${words} of the attempt before\n`)
})

test('what a lost attempt had written is taken from where it ran', async () => {
  const lostWorkspace = join(place.folder, 'work', 'lost')
  mkdirSync(join(lostWorkspace, 'checkpoints'), { recursive: true })
  writeFileSync(join(lostWorkspace, 'checkpoints', 'epoch'), '41\n')
  const older = await openArtifacts(place.store).putBytes('7\n')
  const files = [{ path: 'checkpoints/epoch', digest: older.digest, size: older.size, executable: false }]

  const { log } = await place.run(`${TRAIN}; cat checkpoints/epoch`, {
    checkpoint: { paths: ['checkpoints/'], files, lostWorkspace },
  })

  expect(log).toBe('[tidegate] goes on from checkpoints/epoch of the attempt before\n42\n')
})

test('a checkpoint that is not in the store begins the attempt anew, or is said', async () => {
  const files = [{ path: '../outside', digest: `sha256:${'0'.repeat(64)}`, size: 1, executable: false } as const]

  const { log, record } = await place.run('echo runs', { checkpoint: { paths: ['checkpoints/'], files } })

  expect(record.outcome).toBe('succeeded')
  expect(log).toMatch(/cannot be used, so it begins anew: .*\nruns\n$/)
})
