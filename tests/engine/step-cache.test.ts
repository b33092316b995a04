import { chmodSync, truncateSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../src/engine/engine.ts'
import type { PlanStep } from '../../src/core/plan.ts'
import { parseOutputs } from '../../src/engine/step-outputs.ts'
import { listAttempts } from '../../src/engine/runs.sql.ts'
import { DATABASES } from '../harness/databases.ts'
import { command, needs, openEnginePlace, planOf, reads, type EnginePlace } from './engine-place.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: EnginePlace
  let engine: Engine
  beforeAll(async () => {
    place = await openEnginePlace(kind)
    engine = await place.start()
  })
  afterAll(() => place[Symbol.asyncDispose]())

  async function run(project: string, files: Record<string, string>, ...steps: PlanStep[]) {
    const { id } = await place.create(engine, {
      project,
      sourceTree: await place.commit(files),
      plan: planOf(...steps),
    })
    return place.untilEnded(id)
  }

  const files = {
    'train.py': 'one',
    'data/rows.csv': '1,2',
    'notes.md': 'x',
    'params.yaml': 'train: {lr: 1}\ntest: {n: 3}\n',
  }
  const train = (changes: Partial<PlanStep> = {}) =>
    command('train', 'out model.onnx weights', { deps: ['train.py', 'data/'], outs: ['model.onnx'], ...changes })

  test('a step that changed in nothing takes the outputs of the run before, and says which', async () => {
    const first = await run('same', files, train())
    const second = await run('same', { ...files, 'notes.md': 'edited' }, train())

    expect(first.steps['train']).toMatchObject({ cache: 'miss', why: 'first run of this step' })
    expect(second.steps['train']).toMatchObject({
      state: 'succeeded',
      cache: 'hit',
      attempt: 0,
      why: `nothing changed since ${first.run.id}`,
    })
    const outputs = parseOutputs(second.steps['train']?.outputs ?? '')
    expect(outputs.outs).toEqual(parseOutputs(first.steps['train']?.outputs ?? '').outs)
    expect(outputs.cachedFrom).toBe(first.run.id)
    expect(await listAttempts(place.database.read, second.run.id, { limit: 5 })).toEqual([])
  })

  test('a miss names what differs', async () => {
    const step = (changes: Partial<PlanStep> = {}) => train({ params: ['params.yaml:train'], ...changes })
    await run('why', files, step())

    const data = await run('why', { ...files, 'data/rows.csv': '3,4', 'data/new.csv': '' }, step())
    const params = await run('why', { ...files, 'params.yaml': 'train: {lr: 2}\n' }, step())
    const text = await run('why', files, {
      ...step(),
      work: { kind: 'command', run: 'out model.onnx w', env: {}, secrets: [] },
    })

    expect(data.steps['train']?.why).toBe('deps: data/new.csv is new, data/rows.csv changed')
    expect(params.steps['train']?.why).toContain('params: params.yaml:train.lr 1 → 2')
    expect(text.steps['train']?.why).toContain('command changed')
  })

  test('a file that is called as a member of every object decides as any other', async () => {
    const step = train({ deps: ['train.py', 'constructor'], params: ['params.yaml:train'] })
    await run('named', { ...files, constructor: 'one' }, step)

    const other = await run('named', { ...files, constructor: 'two' }, step)

    expect(other.steps['train']).toMatchObject({ cache: 'miss', why: 'deps: constructor changed' })
  })

  test('a miss tells nothing of what another project has', async () => {
    const step = train({ params: ['params.yaml:train'] })
    await run('theirs', { ...files, 'data/theirs.csv': '' }, step)

    const ours = await run('ours', { ...files, 'params.yaml': 'train: {lr: 7}\n' }, step)

    expect(ours.steps['train']).toMatchObject({ cache: 'miss', why: 'first run of this step' })
  })

  test('a hit on what another project made does not name its run', async () => {
    const theirs = await run('another-project', { ...files, 'data/shared.csv': '5' }, train())
    const ours = await run('this-project', { ...files, 'data/shared.csv': '5' }, train())
    const again = await run('this-project', { ...files, 'data/shared.csv': '5' }, train())

    expect(theirs.steps['train']?.cache).toBe('miss')
    for (const { steps } of [ours, again]) {
      expect(steps['train']).toMatchObject({ cache: 'hit', why: 'nothing changed since a run of another project' })
      expect(parseOutputs(steps['train']?.outputs ?? '').cachedFrom).toBe('a run of another project')
    }
  })

  test('a file that moves between outs, metrics and reports is made again, and kept as what it now is', async () => {
    const work: PlanStep['work'] = { kind: 'command', run: 'out m.json moved', env: {}, secrets: [] }
    const out = train({ work, outs: ['m.json'] })
    const metric = train({ work, outs: [], metrics: ['m.json'] })
    const report = train({ work, outs: [], reports: { junit: ['m.json'] } })
    await run('moved', files, out)

    const second = await run('moved', files, metric)
    const third = await run('moved', files, report)
    const fourth = await run('moved', files, { ...report, reports: { coverage: ['m.json'] } })
    const again = await run('moved', files, metric)

    expect(second.steps['train']).toMatchObject({ cache: 'miss', why: 'outs changed; metrics changed' })
    expect(Object.keys(parseOutputs(second.steps['train']?.outputs ?? '').kept)).toEqual(['m.json'])
    expect(third.steps['train']).toMatchObject({ cache: 'miss', why: 'metrics changed; reports changed' })
    expect(fourth.steps['train']).toMatchObject({ cache: 'miss', why: 'reports changed' })
    expect(again.steps['train']).toMatchObject({ cache: 'hit' })
  })

  test('a params key that the step does not name changes nothing for it, and is not shown to it', async () => {
    const step = train({ params: ['params.yaml:train.lr'] })
    await run('params', files, step)
    const orders = place.orders.length
    const again = await run('params', { ...files, 'params.yaml': 'train: {lr: 1, steps: 9}\n' }, step)

    expect(again.steps['train']?.cache).toBe('hit')
    const seen = place.orders[orders - 1]?.inputs.find((file) => file.path === 'params.yaml')
    expect(String(await place.artifacts.read(seen!.digest))).toBe('train:\n  lr: 1\n')
  })

  test('a params file that is too large to be read by the server fails its step, with what to do', async () => {
    const large = `train: {lr: 1}\nrows: ${'x'.repeat(1 << 20)}\n`
    const { steps } = await run('large', { ...files, 'params.yaml': large }, train({ params: ['params.yaml:train'] }))

    expect(steps['train']?.state).toBe('failed')
    expect(steps['train']?.message).toMatch(
      /^params: params.yaml has \d+ bytes, and may have 1048576: name the whole file/,
    )
  })

  test('a step that names where it runs is cached for there, and any other step everywhere', async () => {
    const writes = (key: string, text: string, env: Record<string, string> = {}) =>
      train({ key, work: { kind: 'command', run: `out model.onnx ${text}`, env, secrets: [] } })
    const steps = [
      writes('branch', '$TIDEGATE_BRANCH'),
      writes('commit', 'x', { TAG: 'at-${TIDEGATE_COMMIT}' }),
      writes('run', '$TIDEGATE_RUN'),
      writes('other', '$TIDEGATE_BRANCHES $TIDEGATE_URL'),
    ]
    const on = async (project: string, at: { branch: string; commit: string }) => {
      const sourceTree = await place.commit({ ...files, 'train.py': 'named' })
      const { id } = await place.create(engine, { project, ...at, sourceTree, plan: planOf(...steps) })
      const ended = await place.untilEnded(id)
      return steps.map(({ key }) => ended.steps[key]?.cache)
    }
    await on('named', { branch: 'main', commit: 'c1' })
    const elsewhere = await on('named', { branch: 'fix', commit: 'c2' })
    const again = await on('named', { branch: 'main', commit: 'c1' })

    expect(elsewhere).toEqual(['miss', 'miss', 'miss', 'hit'])
    expect(again).toEqual(['hit', 'hit', 'miss', 'hit'])
  })

  test('a folder that is there only because of hidden files is a part of what decides', async () => {
    const work: PlanStep['work'] = { kind: 'command', run: 'out data/model.onnx x', env: {}, secrets: [] }
    const step = train({ work, deps: ['train.py'], outs: ['data/model.onnx'] })
    const { 'data/rows.csv': rows, ...without } = { ...files, 'train.py': 'folder' }
    await run('folder', { ...without, 'data/rows.csv': rows }, step)

    const gone = await run('folder', without, step)
    const changed = await run('folder', { ...without, 'data/rows.csv': 'other rows' }, step)

    expect(gone.steps['train']?.cache).toBe('miss')
    expect(gone.steps['train']?.why).toMatch(/^folders of its outputs came or went/)
    expect(changed.steps['train']?.cache).toBe('hit')
  })

  test('a value that another reader of the file takes for another one is another one', async () => {
    const whole = (key: string) => train({ key, params: ['params.yaml'] })
    const part = (key: string) => train({ key, params: ['params.yaml:train'] })
    const before = 'train: { flag: no, n: 9007199254740993, top: .inf, low: .nan }\n'
    const whysAfter = async (project: string, text: string) => {
      const own = { ...files, 'train.py': project }
      await run(project, { ...own, 'params.yaml': before }, whole('whole'), part('part'))
      const { steps } = await run(project, { ...own, 'params.yaml': text }, whole('whole'), part('part'))
      return [steps['whole']?.why, steps['part']?.why]
    }

    expect(await whysAfter('quoted', before.replace('no', '"no"'))).toEqual([
      'params: params.yaml.train.flag no → "no"',
      'params: params.yaml:train.flag no → "no"',
    ])
    expect(await whysAfter('large', before.replace('993', '992'))).toEqual([
      'params: params.yaml.train.n 9007199254740993 → 9007199254740992',
      'params: params.yaml:train.n 9007199254740993 → 9007199254740992',
    ])
    expect(await whysAfter('comment', `${before}# as before\n`)).toEqual([
      'params: params.yaml changed',
      expect.stringContaining('nothing changed since'),
    ])
  })

  test('another project of the installation shares the cache, unless the step has secrets', async () => {
    const secret = train({ work: { kind: 'command', run: 'out model.onnx s', env: {}, secrets: ['KEY'] } })
    await run('one', files, train(), { ...secret, key: 'secret' })

    const { steps } = await run('two', files, train(), { ...secret, key: 'secret' })

    expect(steps['train']?.cache).toBe('hit')
    expect(steps['secret']).toMatchObject({ cache: 'miss', why: 'first run of this step' })
  })

  test('outputs that were cut short on the disk are a miss that says so, and are made again', async () => {
    const step = train({ work: { kind: 'command', run: 'out model.onnx cut', env: {}, secrets: [] } })
    const { steps } = await run('cut', files, step)
    const { digest } = parseOutputs(steps['train']?.outputs ?? '').outs['model.onnx']!
    const path = place.store.localPath!(digest)
    chmodSync(path, 0o600)
    truncateSync(path, 1)

    const again = await run('cut', files, step)

    expect(again.steps['train']).toMatchObject({ state: 'succeeded', cache: 'miss' })
    expect(again.steps['train']?.why).toContain('its outputs were damaged on the disk')
    expect(String(await place.artifacts.read(digest))).toBe('cut')
  })

  test('outputs that were cleaned up are a miss that says so', async () => {
    const step = train({ work: { kind: 'command', run: 'out model.onnx gone', env: {}, secrets: [] } })
    const { steps } = await run('gone', files, step)
    await place.store.delete(parseOutputs(steps['train']?.outputs ?? '').outs['model.onnx']!.digest)

    const again = await run('gone', files, step)

    expect(again.steps['train']).toMatchObject({ state: 'succeeded', cache: 'miss' })
    expect(again.steps['train']?.why).toContain('its outputs have been cleaned up')
  })

  test('a step without deps always runs, and says why', async () => {
    const step = command('free', 'print x')
    await run('off', files, step)
    const { steps } = await run('off', files, step)

    expect(steps['free']).toMatchObject({ cache: 'off', why: 'not cached: it declares no deps', attempt: 1 })
  })

  test('a step with deps sees these files and outputs and no others; one without sees all', async () => {
    const before = place.orders.length
    await run(
      'inputs',
      files,
      command('prepare', 'out data/rows.csv made\nout extra.txt e', { outs: ['data/rows.csv', 'extra.txt'] }),
      command('exact', 'print x', { deps: ['train.py', 'data/rows.csv'], needs: reads('prepare') }),
      command('all', 'print x', { needs: needs('prepare') }),
    )

    const inputs = (step: string) =>
      place.orders.slice(before).find((order) => order.attemptId.includes(`/${step}/`))?.inputs ?? []
    const made = (await place.artifacts.putBytes('made')).digest
    expect(inputs('exact').map((file) => file.path)).toEqual(['data/rows.csv', 'train.py'])
    expect(inputs('exact')[0]?.digest).toBe(made)
    expect(inputs('all').map((file) => file.path)).toEqual([
      'data/rows.csv',
      'extra.txt',
      'notes.md',
      'params.yaml',
      'train.py',
    ])
  })

  test('a dep that is nowhere fails the step before it starts, and is named', async () => {
    const { run: ended, steps } = await run('missing', files, train({ deps: ['tarin.py'] }))

    expect(ended.state).toBe('failed')
    expect(steps['train']).toMatchObject({ state: 'failed', reason: 'setup-error', attempt: 0 })
    expect(steps['train']?.message).toContain('`tarin.py` is neither in the commit nor written by a step before')
  })

  test('nothing of the server stands in the environment of a step', async () => {
    const before = place.orders.length
    const { run: ended } = await run('env', files, command('a', 'print x', { env: { OMP_NUM_THREADS: '1' } }))

    expect(place.orders[before]?.env).toEqual({
      LANG: 'C.UTF-8',
      PATH: '/usr/local/bin:/usr/bin:/bin',
      OMP_NUM_THREADS: '1',
      TIDEGATE_PROJECT: 'env',
      TIDEGATE_RUN: ended.id,
      TIDEGATE_STEP: 'a',
      TIDEGATE_ATTEMPT: `${ended.id}/a/1`,
      TIDEGATE_COMMIT: 'c0ffee',
      TIDEGATE_BRANCH: 'main',
    })
  })

  test('a rerun of what failed takes over what succeeded, and runs the rest', async () => {
    const first = await run('again', {}, command('good', 'out a.txt x', { outs: ['a.txt'] }), command('bad', 'exit 1'))

    const rerun = await place.database.write((writer) =>
      engine.rerun(writer, first.run.id, { failedOnly: true, by: 'bo' }),
    )
    const { run: ended, steps } = await place.untilEnded(rerun.run.id)

    expect(ended).toMatchObject({ parent_run: first.run.id, person: 'bo', state: 'failed', authors: '["ana","bo"]' })
    expect(steps['good']).toMatchObject({ state: 'succeeded', attempt: 0, why: `taken over from ${first.run.id}` })
    expect(steps['bad']).toMatchObject({ state: 'failed', attempt: 1 })
  })

  test('a rerun from a step runs it and what depends on it, whatever the cache has, and takes over the rest', async () => {
    const steps = [
      command('prepare', 'out a.txt x', { outs: ['a.txt'], deps: ['t.py'] }),
      command('train', 'out m x', { outs: ['m'], deps: ['a.txt'], needs: reads('prepare') }),
      command('test', 'print x', { deps: ['m'], needs: reads('train') }),
      command('apart', 'print x', { deps: ['t.py'] }),
    ]
    const first = await run('from', { 't.py': '1' }, ...steps)

    const { run: made } = await place.database.write((writer) =>
      engine.rerun(writer, first.run.id, { failedOnly: false, from: 'train', by: 'bo' }),
    )
    const again = await place.untilEnded(made.id)

    expect(again.run.state).toBe('succeeded')
    expect(again.steps).toMatchObject({
      prepare: { attempt: 0, why: `taken over from ${first.run.id}` },
      train: { attempt: 1, cache: 'off', why: 'not taken from the cache: somebody asked to run it again' },
      // The same outputs came again, so that nothing has changed for it.
      test: { attempt: 0, cache: 'hit' },
      apart: { attempt: 0, why: `taken over from ${first.run.id}` },
    })
  })

  test('a rerun from a step that is not there names those there are', async () => {
    const { run: ended } = await run('nowhere', {}, command('train', 'print x'), command('lint', 'print x'))

    const asked = place.database.write((writer) =>
      engine.rerun(writer, ended.id, { failedOnly: false, from: 'tarin', by: 'bo' }),
    )

    await expect(asked).rejects.toThrow(`${ended.id} has no step tarin to run again from. Its steps are: train, lint.`)
  })

  test('in a rerun for debugging commands run, and what they leave is kept', async () => {
    const first = await run('debug', { 't.py': '1' }, command('train', 'out m x', { outs: ['m'], deps: ['t.py'] }))

    const { run: made } = await place.database.write((writer) =>
      engine.rerun(writer, first.run.id, { failedOnly: false, debug: true, by: 'bo' }),
    )
    const { steps } = await place.untilEnded(made.id)
    await place.until(async () => place.openings.includes(`close ${made.id}/train/1`))

    expect(steps['train']).toMatchObject({ state: 'succeeded', attempt: 1 })
    expect(place.orders.at(-1)?.debug).toEqual({ keptMs: 24 * 3_600_000 })
    expect(await place.executor.listOwned()).toContain(place.orders.at(-1)?.attemptFolder)
  })
})
