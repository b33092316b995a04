import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Digest } from '../../src/core/digest.ts'
import type { PlanStep } from '../../src/core/plan.ts'
import { openLocalExecutor } from '../../src/drivers/executor/local/local-executor.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { parseOutputs } from '../../src/engine/step-outputs.ts'
import { flipByte } from '../harness/flip-byte.ts'
import { command, openEnginePlace, planOf, reads, type EnginePlace } from './engine-place.ts'

/** Real supervisors, which verify what they put into a workspace. */
let place: EnginePlace
let engine: Engine
beforeAll(async () => {
  place = await openEnginePlace('sqlite', {
    open: ({ folder }) => openLocalExecutor({ folder: join(folder, 'executor'), spares: 0 }),
  })
})
afterAll(() => place[Symbol.asyncDispose]())
beforeEach(async () => {
  engine = await place.start()
})
afterEach(() => engine.stop())

async function run(files: Record<string, string>, ...steps: PlanStep[]) {
  const { id } = await place.create(engine, { sourceTree: await place.commit(files), plan: planOf(...steps) })
  return place.untilEnded(id)
}

async function runAgain(id: string, failedOnly: boolean) {
  const { run } = await place.database.write((writer) => engine.rerun(writer, id, { by: 'ana', failedOnly }))
  return place.untilEnded(run.id)
}

const train = command('train', 'tr a-z A-Z < train.txt > model.txt', { deps: ['train.txt'], outs: ['model.txt'] })
const score = command('score', 'wc -c < model.txt > score.txt', {
  deps: ['model.txt', 'score.sh'],
  outs: ['score.txt'],
  needs: reads('train'),
})
const show = command('show', 'cat model.txt score.txt', {
  deps: ['model.txt', 'score.txt'],
  needs: reads('train', 'score'),
})

test('a cached output that was damaged is noticed by who reads it, and made again by the next run', async () => {
  const files = { 'train.txt': 'weights one', 'score.sh': '1' }
  const first = await run(files, train, score)
  const { digest } = parseOutputs(first.steps['train']!.outputs!).outs['model.txt']!
  flipByte(place.store, digest)

  const met = await run({ ...files, 'score.sh': '2' }, train, score)
  const healed = await runAgain(met.run.id, true)

  expect(met.steps['train']).toMatchObject({ cache: 'hit' })
  expect(met.steps['score']).toMatchObject({ state: 'failed', reason: 'damaged-input', attempt: 1 })
  expect(met.steps['score']?.message).toMatch(/^model\.txt cannot be put into place: .* has another digest/)
  expect(met.steps['score']?.message).toContain(`Step train of ${first.run.id} made model.txt. Run this run again`)
  expect(healed.run.state).toBe('succeeded')
  expect(healed.steps['train']).toMatchObject({ state: 'succeeded', cache: 'miss' })
  expect(healed.steps['train']?.why).toContain('its outputs were damaged on the disk')
  expect(String(await place.artifacts.read(digest))).toBe('WEIGHTS ONE')
})

test('what was made of a lost output is not taken over when that output comes out otherwise', async () => {
  const stamped = { ...train, work: { kind: 'command', run: 'date +%N > model.txt', env: {}, secrets: [] } } as const
  const broken = { ...show, work: { kind: 'command', run: 'cat model.txt; false', env: {}, secrets: [] } } as const
  const first = await run({ 'train.txt': 'stamped', 'score.sh': '1' }, stamped, score, broken)
  const made = parseOutputs(first.steps['train']!.outputs!).outs['model.txt']!
  await place.store.delete(made.digest)

  const again = await runAgain(first.run.id, true)

  const remade = parseOutputs(again.steps['train']!.outputs!).outs['model.txt']!
  expect(remade.digest).not.toBe(made.digest)
  expect(again.steps['score']).toMatchObject({ state: 'succeeded', cache: 'miss', attempt: 1 })
})

test('files of the commit that were damaged are taken from its source again, within the run', async () => {
  const files = { 'train.txt': 'from git', 'params.yaml': 'lr: 1\n' }
  const mended: string[] = []
  await engine.stop()
  engine = await place.start({
    async mendSource({ id, source_tree: tree }) {
      mended.push(id)
      return (await place.commit(files)) === (tree as Digest)
    },
  })
  const tree = await place.commit(files)
  const plan = planOf({ ...train, params: ['params.yaml:lr'] })
  for (const text of Object.values(files)) flipByte(place.store, (await place.artifacts.putBytes(text)).digest)

  const { id } = await place.create(engine, { sourceTree: tree, plan })
  const { run: ended, steps } = await place.untilEnded(id)

  expect(ended.state).toBe('succeeded')
  expect(steps['train']).toMatchObject({ attempt: 2 })
  expect(steps['train']?.why).toContain('attempt 1 ended with damaged-input: train.txt')
  expect(mended).toEqual([id, id])
})

test('a source that cannot be read again fails the step once, and not for ever', async () => {
  await engine.stop()
  engine = await place.start({ mendSource: async () => true })
  const tree = await place.commit({ 'train.txt': 'never again' })
  flipByte(place.store, (await place.artifacts.putBytes('never again')).digest)

  const { id } = await place.create(engine, { sourceTree: tree, plan: planOf(train) })
  const { steps } = await place.untilEnded(id)

  expect(steps['train']).toMatchObject({ state: 'failed', reason: 'damaged-input', attempt: 1 })
})
