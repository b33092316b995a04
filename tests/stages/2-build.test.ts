import { symlink } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { join } from 'node:path'
import type { RunDetail } from '../../src/api/runs.ts'
import { rerunRun } from '../../src/api/runs.ts'
import { getBillOfMaterials } from '../../src/api/versions.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { makeWheels } from '../build/python-tools.ts'
import { DATABASES } from '../harness/databases.ts'
import { flipByte } from '../harness/flip-byte.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'
import { tinyProject } from '../harness/tiny-project.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer
  let ana: TestPerson

  beforeAll(async () => {
    place = await openTestServer(kind)
    ana = await place.person('ana')
    const wheels = join(place.folder, 'wheels')
    await makeWheels(wheels, [
      { name: 'alpha', version: '1.0' },
      { name: 'alpha', version: '2.0' },
      { name: 'beta', version: '1.0', requires: ['alpha<2'] },
    ])
    // As an administrator would name the company's index: to the server, not in repositories.
    vi.stubEnv('PIP_NO_INDEX', '1')
    vi.stubEnv('PIP_FIND_LINKS', wheels)
  })

  afterAll(async () => {
    vi.unstubAllEnvs()
    await place[Symbol.asyncDispose]()
  })

  test('a build environment is built once, and found by later commits and by other projects', async () => {
    const files = tinyProject({
      pipeline: `model: { path: model.onnx }
steps:
  train:
    run: python train.py
    deps: [train.py, models/one.onnx]
    outs: [model.onnx]
`,
      files: {
        'requirements.txt': 'beta\n',
        'train.py':
          'import alpha, beta, shutil\nprint("alpha", alpha.version)\nshutil.copy("models/one.onnx", "model.onnx")\n',
      },
    })
    const first = await place.project('built', files)
    await first.push(ana)
    await first.commit({ 'README.md': 'About it.\n' })

    const again = await first.push(ana)
    const other = await place.project('other', files)
    await other.push(ana)

    const runs = [await first.run(1), await first.run(2), await other.run(1)]
    expect(runs.map((run) => run.state)).toEqual(['succeeded', 'succeeded', 'succeeded'])
    expect(runs.map((run) => stepOf(run, 'environment').cache)).toEqual(['miss', 'hit', 'hit'])
    expect(runs.map((run) => stepOf(run, 'train').cache)).toEqual(['miss', 'hit', 'hit'])
    expect(stepOf(runs[2]!, 'train').why).toContain('a run of another project')
    expect(await first.log(1, 'environment')).toMatch(/"default": Python 3\.\d+\.\d+, 2 packages, built with (uv|pip)/)
    expect(await first.log(1, 'train')).toContain('alpha 1.0')
    expect(again.stderr).toMatch(/environment +succeeded +cached/)
  })

  test('a new linter in an environment of its own retrains nothing; what is served says what it is made of', async () => {
    const project = await place.project(
      'linted',
      tinyProject({
        pipeline: `build: { dependencies: requirements.txt, environments: { dev: requirements-dev.txt } }
model: { path: model.onnx }
steps:
  lint: { stage: unit-tests, build: dev, run: "python -c 'import alpha'" }
  train: { run: cp models/one.onnx model.onnx, deps: [models/one.onnx], outs: [model.onnx] }
`,
        files: { 'requirements.txt': 'beta\n', 'requirements-dev.txt': 'alpha==1.0\n' },
      }),
    )
    await project.push(ana)
    await project.commit({ 'requirements-dev.txt': 'alpha==2.0\n' })
    await project.push(ana)

    const second = await project.run(2)

    expect(second.state).toBe('succeeded')
    expect(stepOf(second, 'environment:dev').cache).toBe('miss')
    expect(stepOf(second, 'environment').cache).toBe('hit')
    expect(stepOf(second, 'train').cache).toBe('hit')
    const bill = await ana.client.call(getBillOfMaterials, { params: { project: 'linted', version: 1 } })
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { type: 'machine-learning-model' } } })
    expect(JSON.stringify(bill)).toContain('pkg:pypi/beta@1.0')
  })

  test('requirements that cannot go together are named with their file and line, before any test ran', async () => {
    const { push, run } = await unitTested('conflict', { 'requirements.txt': '# ours\nbeta\nalpha==2.0\n' })

    expect(push.stderr).toMatch(/requirements\.txt:[23]/)
    expect(run.state).toBe('failed')
    expect(stepOf(run, 'environment').message).toMatch(/requirements\.txt:2.*beta/s)
    expect(stepOf(run, 'environment').message).toMatch(/requirements\.txt:3.*alpha/s)
    expect(stepOf(run, 'unit')).toMatchObject({ state: 'skipped', why: expect.stringContaining('environment failed') })
  })

  test('a missing import and a syntax error are reported with their place, before any test ran', async () => {
    const { push, run } = await unitTested('mistaken', {
      'tests/test_it.py': 'import train\nimport gamma\n',
      'train.py': 'def train(:\n  pass\n',
    })

    expect(push.stderr).toMatch(/remote: .*(test_it|train)\.py:\d+:\d+: .*and 1 more/)
    expect(run.state).toBe('failed')
    expect(run.findings).toEqual([
      expect.objectContaining({ file: 'tests/test_it.py', line: 2, message: expect.stringContaining('gamma') }),
      expect.objectContaining({ file: 'train.py', line: 1, message: expect.stringContaining('syntax') }),
    ])
    expect(stepOf(run, 'unit')).toMatchObject({ state: 'skipped', why: 'sources failed' })
  })

  async function unitTested(name: string, files: Record<string, string>) {
    const project = await place.project(name, {
      'tidegate.yaml': 'steps:\n  unit: { stage: unit-tests, run: python tests/test_it.py }\n',
      'tests/test_it.py': '',
      ...files,
    })
    const push = await project.push(ana)
    return { push, run: await project.run(1) }
  }

  test('every problem of a pipeline file is told to the pusher at once, each with its place and the fix', async () => {
    const project = await place.project('problems', {
      'tidegate.yaml': `steps:
  train: { run: python train.py, outs: [model.onnx], need: [prepare] }
  report: { run: python report.py, deps: [model.onx] }
model: { pth: model.onnx }
`,
    })

    const push = await project.push(ana)

    expect(push.code).toBe(0)
    expect(push.stderr).toMatch(/tidegate\.yaml:2:\d+: steps\.train\.need: .*did you mean "needs"/)
    expect(push.stderr).toMatch(/tidegate\.yaml:4:\d+: model\.pth: .*did you mean "path"/)
    expect(await project.run(1)).toMatchObject({ state: 'invalid', steps: [] })
  })

  test('a step that does not write its out is told what it wrote instead', async () => {
    const project = await place.project('outless', {
      'tidegate.yaml': 'steps:\n  train: { run: echo x > modle.onnx, outs: [model.onnx] }\n',
    })

    const push = await project.push(ana)

    const train = stepOf(await project.run(1), 'train')
    expect(train).toMatchObject({ state: 'failed', reason: 'missing-outs' })
    expect(train.message).toMatch(/did not write model\.onnx.*modle\.onnx/s)
    expect(push.stderr).toContain('modle.onnx')
  })

  test('a commit with a link to where its data is on other machines runs', async () => {
    const project = await place.project('linked', {
      'tidegate.yaml': 'steps: { train: { run: "readlink data; readlink common" } }\n',
    })
    await symlink('/mnt/lake/digits', join(project.work, 'data'))
    await symlink('../shared', join(project.work, 'common'))
    await project.commit({ 'readme.md': 'links' })

    await project.push(ana)

    expect((await project.run(1)).state).toBe('succeeded')
    expect(await project.log(1, 'train')).toBe('/mnt/lake/digits\n../shared\n')
    expect(await project.log(1, 'sources')).toContain('the link data leads out of the workspace, to /mnt/lake/digits')
  })

  test('who asks for the log of a step that could not start is told why it did not', async () => {
    const project = await place.project('no-attempt', {
      'tidegate.yaml': 'steps: { train: { run: "true", resources: { gpus: 64 } } }\n',
    })

    await project.push(ana)

    await expect(project.log(1, 'train')).rejects.toThrow(/has no log: it failed before it began .*gpus/)
  })

  test('a changed parameter misses the cache by its name, and another subtree does not matter', async () => {
    const project = await place.project('params', {
      'params.yaml': 'train: { depth: 3 }\nserve: { port: 1 }\n',
      'tidegate.yaml': `steps:
  train: { run: cat params.yaml | tee out, params: ["params.yaml:train"], deps: [], outs: [out] }
`,
    })
    await project.push(ana)
    await project.commit({ 'params.yaml': 'train: { depth: 3 }\nserve: { port: 2 }\n' })
    await project.push(ana)
    await project.commit({ 'params.yaml': 'train: { depth: 4 }\nserve: { port: 2 }\n' })

    const push = await project.push(ana)

    const trained = [await project.run(1), await project.run(2), await project.run(3)].map((run) =>
      stepOf(run, 'train'),
    )
    expect(trained.map(({ cache }) => cache)).toEqual(['miss', 'hit', 'miss'])
    expect(trained[1]?.why).toContain('params#1')
    expect(trained[2]?.why).toBe('params: params.yaml:train.depth 3 → 4')
    expect(push.stderr).toMatch(/train +succeeded .*depth 3 → 4/)
    expect(await project.log(1, 'train')).toContain('depth')
    expect(await project.log(1, 'train')).not.toContain('port')
  })

  test('a step that declares what it reads sees only that', async () => {
    const project = await place.project('narrow', {
      'seen.txt': 'seen\n',
      'unseen.txt': 'unseen\n',
      'tidegate.yaml': `steps:
  narrow: { run: "find . -type f; cat unseen.txt", deps: [seen.txt] }
`,
    })

    await project.push(ana)

    expect(stepOf(await project.run(1), 'narrow')).toMatchObject({ state: 'failed', reason: 'exit' })
    const log = await project.log(1, 'narrow')
    expect(log).toMatch(/^\.\/seen\.txt\n.*unseen\.txt.*No such file/)
  })

  test('what a disk damaged in the store is mended from git, or by running its step again', async () => {
    const project = await place.project('mended', {
      'seen.txt': 'a word\n',
      'limit.txt': '1\n',
      'tidegate.yaml': `steps:
  shout: { run: "tr a-z A-Z < seen.txt > loud.txt", deps: [seen.txt], outs: [loud.txt] }
  check: { run: "cat loud.txt limit.txt", deps: [loud.txt, limit.txt] }
`,
    })
    await project.push(ana)
    await using store = await openFolderStore(join(place.dataFolder, 'store'))
    flipByte(store, sha256('A WORD\n'))
    await project.commit({ 'limit.txt': '2\n' })
    const limit = await store.put(Buffer.from('2\n'))
    flipByte(store, limit.digest)

    const met = await project.push(ana)
    await ana.client.call(rerunRun, { params: { project: 'mended', number: 2 }, body: { failed: true } })
    const healed = await project.ended(3)

    expect(stepOf(await project.run(2), 'check')).toMatchObject({ state: 'failed', reason: 'damaged-input' })
    expect(met.stderr).toContain('Step shout of mended#1 made loud.txt. Run this run again')
    expect(healed.state).toBe('succeeded')
    expect(stepOf(healed, 'shout').why).toBe('mended#1 made the same, but its outputs were damaged on the disk')
    expect(await project.log(3, 'check')).toBe('A WORD\n2\n')
  })
})

function stepOf(run: RunDetail, key: string): RunDetail['steps'][number] {
  const step = run.steps.find((candidate) => candidate.key === key)
  if (step === undefined)
    throw new Error(`${run.id} has no step ${key}: ${run.steps.map((each) => each.key).join(', ')}`)
  return step
}
