import { execFile } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAnalytics, sqlText } from '../../src/lib/open-analytics.ts'
import type { ModelSpec } from '../../src/pipeline/pipeline.ts'
import { createMakeBundleTask, type MakeBundleInput } from '../../src/registry/make-bundle.ts'
import { createRegisterTask } from '../../src/registry/register.ts'
import { inspectModel } from '../../src/serving/model-host/inspect-model.ts'
import { openTaskPlace, type TaskPlace } from '../harness/task-context.ts'
import { pythonWith } from '../serving/python-environment.ts'

const run = promisify(execFile)

const MODELS = fileURLToPath(new URL('../serving/models/', import.meta.url))
const ONNX: ModelSpec = { path: 'model.onnx', runtime: { kind: 'onnx' }, include: [], inputs: {}, outputs: {} }

let place: TaskPlace
beforeAll(async () => {
  place = await openTaskPlace()
})
afterAll(() => place[Symbol.asyncDispose]())

interface Given {
  readonly onnx?: string
  readonly files?: Readonly<Record<string, string>>
  /** Columns of train.parquet, as SQL. */
  readonly reference?: string
  readonly startMs?: number
}

async function makeBundle(model: Partial<ModelSpec>, given: Given = {}, input: Partial<MakeBundleInput> = {}) {
  const context = await place.context()
  const { workspace } = context
  if (given.onnx !== undefined) await copyFile(join(MODELS, given.onnx), join(workspace, 'model.onnx'))
  for (const [path, text] of Object.entries(given.files ?? {})) {
    await mkdir(join(workspace, path, '..'), { recursive: true })
    await writeFile(join(workspace, path), text)
  }
  if (given.reference !== undefined) await writeParquet(join(workspace, 'train.parquet'), given.reference)
  const limits = given.startMs === undefined ? {} : { startMs: given.startMs }
  const task = createMakeBundleTask({
    inspectModel: (folder, path, runtime, options) => inspectModel(folder, path, runtime, { ...options, ...limits }),
  })
  return task.run({ name: 'digits', model: { ...ONNX, ...model }, ...input }, context)
}

async function writeParquet(file: string, select: string) {
  await using analytics = await openAnalytics()
  await analytics.use((connection) => connection.run(`copy (select ${select}) to ${sqlText(file)} (format parquet)`))
}

test('equal contents are the same bundle, whatever lies around them', async () => {
  const environment = { lockDigest: 'sha256:00', python: '3.11.7', env: {} }

  const one = await makeBundle({}, { onnx: 'one.onnx' }, { environment })
  const same = await makeBundle({}, { onnx: 'one.onnx', files: { 'other.txt': 'noise' } }, { environment })
  const other = await makeBundle({}, { onnx: 'two.onnx' }, { environment })

  expect(one.failure).toBeUndefined()
  expect(one.result!.manifest).toMatchObject({
    name: 'digits',
    modelPath: 'model.onnx',
    lockDigest: 'sha256:00',
    signature: {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
      answer: { prediction: 'label', scores: 'probabilities' },
      columns: {},
    },
  })
  expect(one.outs).toEqual({
    'bundle.json': { kind: 'file', digest: one.result!.bundle, size: expect.any(Number) as number },
  })
  expect(same.result!.bundle).toBe(one.result!.bundle)
  expect(other.result!.bundle).not.toBe(one.result!.bundle)
})

test('columns of the reference fill the inputs, and what is included keeps its path', async () => {
  const output = await makeBundle(
    { reference: 'train.parquet', card: 'CARD.md', include: ['src/'], outputs: { classes: ['no', 'yes'] } },
    {
      onnx: 'one.onnx',
      reference: "1.0 as a, 2.0 as b, 3 as c, 4 as d, 'x' as label",
      files: { 'CARD.md': '# hi', 'src/a/b.py': '1' },
    },
    { notFeatures: ['label'] },
  )

  const { manifest } = output.result!
  expect(manifest.signature.columns).toEqual({ x: ['a', 'b', 'c', 'd'] })
  expect(manifest.signature.answer.classes).toEqual(['no', 'yes'])
  expect(manifest.reference).toMatchObject({ kind: 'file', path: 'train.parquet' })
  const context = await place.context()
  const tree = JSON.parse((await context.artifacts.read(manifest.files.digest)).toString()) as {
    files: { path: string }[]
  }
  expect(tree.files.map(({ path }) => path)).toEqual(['model.onnx', 'src/a/b.py'])
})

test.each([
  ['a model nobody made', {}, {}, 'model.path: model.onnx is neither in the commit nor among the outs'],
  ['a file that is no model', {}, { onnx: 'not-a-model.onnx' }, 'model.onnx'],
  [
    'an input filled with too little',
    { inputs: { x: ['a'] } },
    { onnx: 'one.onnx' },
    'takes 4 values a row, but model.inputs gives it 1',
  ],
  [
    'an output the model lacks',
    { outputs: { prediction: 'lable' } },
    { onnx: 'one.onnx' },
    'the model\'s outputs are "label", "probabilities"',
  ],
  [
    'a reference that is no table',
    { reference: 'train.txt' },
    { onnx: 'one.onnx', files: { 'train.txt': '' } },
    'train.txt is not a table',
  ],
  ['a model that never finishes loading', {}, { onnx: 'hangs-in-load.onnx', startMs: 1_500 }, 'did not load within'],
  ['a model that eats memory', {}, { onnx: 'eats-memory-in-load.onnx' }, 'model'],
])('%s is refused with the reason', async (_, model, given, message) => {
  const output = await makeBundle(model, given)

  expect(output.failure?.reason).toBe('refused')
  expect(output.failure?.message).toContain(message)
})

test('a Python class takes the table it is given, without the index that pandas wrote beside it', async () => {
  const context = await place.context()
  await writeParquet(
    join(context.workspace, 'train.parquet'),
    "1.0::double as age, 2::integer as n, 'x' as city, true as label, 7::bigint as __index_level_0__",
  )
  await mkdir(join(context.workspace, 'model'))
  const task = createMakeBundleTask({ inspectModel: async () => ({ inputs: [], outputs: [] }) })
  const model = {
    ...ONNX,
    path: 'model',
    runtime: { kind: 'predict', entry: 'p.py:Model' },
    reference: 'train.parquet',
  } as const

  const output = await task.run(
    {
      name: 'churn',
      model,
      notFeatures: ['label'],
      environment: { lockDigest: 'sha256:0', python: '3.12.1', env: {} },
    },
    context,
  )

  expect(output.result!.manifest).toMatchObject({
    runtime: { kind: 'predict', entry: 'p.py:Model', python: 'python3.12' },
    signature: {
      inputs: [
        { name: 'age', datatype: 'FP64', shape: [-1] },
        { name: 'n', datatype: 'INT32', shape: [-1] },
        { name: 'city', datatype: 'BYTES', shape: [-1] },
      ],
      columns: { age: ['age'], n: ['n'], city: ['city'] },
      answer: { prediction: 'prediction' },
    },
  })
})

test('a bundle is registered only when all of it is in the store', async () => {
  const { result } = await makeBundle({ card: 'CARD.md' }, { onnx: 'one.onnx', files: { 'CARD.md': 'unique' } })
  const register = async () =>
    createRegisterTask().run({ ...REGISTERED, bundle: result!.bundle }, await place.context())

  const whole = await register()
  await place.store.delete(result!.manifest.card!.digest)
  const broken = register()

  expect(whole.result).toMatchObject(result!)
  await expect(broken).rejects.toThrow(result!.manifest.card!.digest)
})

const REGISTERED = {
  name: 'digits',
  datasets: { 'data/raw.csv': `sha256:${'d'.repeat(64)}` },
  metrics: { accuracy: 0.9 },
  commit: 'c0ffee',
} as const

const VALIDATE = `
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()))
`

test('the bill of materials of a version is what CycloneDX says it must be', async () => {
  const bin = await pythonWith('cyclonedx', ['cyclonedx-python-lib[json-validation]'])
  const { result } = await makeBundle({}, { onnx: 'one.onnx' })
  const context = await place.context()
  const lock = await context.artifacts.putBytes(`alpha==1.0 \\\n    --hash=sha256:${'a'.repeat(64)}\n`)

  const registered = await createRegisterTask().run(
    { ...REGISTERED, bundle: result!.bundle, lock, python: '3.11.7' },
    context,
  )

  const bill = (await context.artifacts.read(registered.result!.sbom)).toString()
  expect(bill).toContain('pkg:pypi/alpha@1.0')
  const validation = run(join(bin, 'python'), ['-c', VALIDATE])
  validation.child.stdin?.end(bill)
  expect((await validation).stdout.trim()).toBe('None')
})
