import { execFile } from 'node:child_process'
import { chmod, copyFile, cp, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEvaluateTask } from '../../src/evaluation/evaluate.ts'
import { openAnalytics, sqlText } from '../../src/lib/open-analytics.ts'
import type { ModelSpec } from '../../src/pipeline/pipeline.ts'
import { createMakeBundleTask } from '../../src/registry/make-bundle.ts'
import { inspectModel } from '../../src/serving/model-host/inspect-model.ts'
import { openHost } from '../../src/serving/model-host/open-host.ts'
import { openTaskPlace, type TaskPlace } from '../harness/task-context.ts'
import { hasTorch, librariesBin } from './python-libraries.ts'

const run = promisify(execFile)
const PYTHON = fileURLToPath(new URL('./python', import.meta.url))
/** 1,200 rows, more than are sent at once; row 1,001 is the odd one where `odd` says so. */
const ROWS = `select (i % 7)::double as a, (i % 5)::double as b, (i % 7 > i % 5)::bigint as larger from range(1200) t(i)`
const ODD = ROWS.replace('(i % 7)::double', 'case when i = 1000 then 777.0 else (i % 7)::double end')

let place: TaskPlace
let bin: string

beforeAll(async () => {
  place = await openTaskPlace()
  bin = await librariesBin('models')
  // The model's own user has to get there.
  await chmod(place.dataFolder, 0o711)
})
afterAll(() => place[Symbol.asyncDispose]())

interface Given {
  readonly model: Partial<ModelSpec> & Pick<ModelSpec, 'path' | 'runtime'>
  readonly files?: readonly string[]
  readonly texts?: Readonly<Record<string, string>>
  readonly made?: { readonly by: string; readonly kind: string }
  /** Its files are the model's. */
  readonly folder?: string
  readonly bin?: string
}

const SHARED = { include: [], inputs: {}, outputs: {} } as const

/** As a run makes it: the bundle's task, then evaluation of what it made. */
async function evaluateModel(given: Given, select = ROWS, inferMs = 20_000) {
  const context = await place.context()
  const { workspace } = context
  if (given.made !== undefined) await run(given.made.by, [join(PYTHON, 'make_models.py'), given.made.kind, workspace])
  if (given.folder !== undefined) await cp(given.folder, workspace, { recursive: true })
  for (const file of given.files ?? []) await copyFile(join(PYTHON, file), join(workspace, file))
  for (const [path, text] of Object.entries(given.texts ?? {})) {
    await mkdir(dirname(join(workspace, path)), { recursive: true })
    await writeFile(join(workspace, path), text)
  }
  await using analytics = await openAnalytics()
  await analytics.use((connection) =>
    connection.run(`copy (${select}) to ${sqlText(join(workspace, 'test.parquet'))} (format parquet)`),
  )
  const env = { PATH: `${given.bin ?? bin}:/usr/bin:/bin`, LANG: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' }
  const environment = { lockDigest: 'sha256:0', python: '3.11.7', env }
  const model = { ...SHARED, reference: 'test.parquet', ...given.model }
  const bundled = await createMakeBundleTask({ inspectModel }).run(
    {
      name: 'm',
      model,
      notFeatures: ['larger'],
      environment: { ...environment, python: '3' },
      memoryBytes: 3 * 2 ** 30,
    },
    context,
  )
  if (bundled.result === undefined) return { bundled }
  const evaluation = {
    source: { kind: 'data', path: 'test.parquet' },
    task: 'classification',
    label: 'larger',
    slices: [],
  } as const
  const candidate = { ...bundled.result, env, memoryBytes: 3 * 2 ** 30 }
  const task = createEvaluateTask({ openHost: (spec, options) => openHost(spec, { ...options, inferMs }) })
  const evaluated = await task.run(
    { evaluation, metrics: ['accuracy'], slices: [], labelsAreHidden: false, latency: false, candidate },
    context,
  )
  return { bundled, evaluated, lines: context.lines }
}

const LIBRARIES = [
  { library: 'scikit-learn', kind: 'sklearn', path: 'model.pkl' },
  { library: 'XGBoost', kind: 'xgboost', path: 'model.ubj' },
  ...((await hasTorch()) ? [{ library: 'PyTorch', kind: 'torch', path: 'model.pt' }] : []),
]

test.each(LIBRARIES)('a model of $library is bundled and answers every row in its own host', async ({ kind, path }) => {
  const file = `predict_${kind}.py`

  const { evaluated } = await evaluateModel({
    made: { by: join(bin, 'python'), kind },
    files: [file],
    model: {
      path,
      include: [file],
      runtime: { kind: 'predict', entry: `${file}:Model` },
      outputs: { prediction: 'label', scores: 'probabilities' },
    },
  })

  expect(evaluated?.failure).toBeUndefined()
  expect(evaluated?.result?.rows).toBe(1_200)
  expect(evaluated?.result?.candidate.metrics['accuracy']?.value).toBe(1)
  expect(evaluated?.result?.candidate.metrics['auc']?.value).toBe(1)
})

test('a folder that MLflow wrote is hosted with its own signature, with MLflow and without', async () => {
  const mlflow = await librariesBin('mlflow')
  const { workspace: folder } = await place.context()
  await run(join(mlflow, 'python'), [join(PYTHON, 'make_models.py'), 'mlflow', folder])
  const tree = { folder, model: { path: 'tree/', runtime: { kind: 'onnx' } } } as const

  const larger = await evaluateModel({ folder, bin: mlflow, model: { ...tree.model, path: 'larger/' } })
  const native = await evaluateModel(tree)
  const without = await evaluateModel({ folder, model: { ...tree.model, path: 'larger/' } })

  expect(native.bundled.result?.manifest).toMatchObject({
    runtime: {
      kind: 'mlflow',
      loader: { module: 'mlflow.sklearn', native: { library: 'sklearn', file: 'model.pkl' } },
    },
    signature: {
      inputs: [
        { name: 'a', datatype: 'FP64', shape: [-1] },
        { name: 'b', datatype: 'FP64', shape: [-1] },
      ],
      outputs: [{ name: 'prediction', datatype: 'INT64', shape: [-1] }],
    },
  })
  expect(native.evaluated?.result?.candidate.metrics['accuracy']?.value).toBe(1)
  expect(larger.bundled.result?.manifest.signature.outputs).toEqual([{ name: 'label', datatype: 'INT64', shape: [-1] }])
  expect(larger.evaluated?.result?.candidate.metrics['accuracy']?.value).toBe(1)
  expect(without.bundled.failure?.message).toContain(
    'lacks mlflow, and a mlflow.pyfunc.model model is loaded by nothing else: add mlflow-skinny to its requirements',
  )
})

test.each([
  ['dies', /rows 513 to 1024: .*ended with exit code 3/],
  ['hangs', /rows 513 to 1024: .*did not answer within 3 s/],
  ['raises', /row 1001: the model failed: ValueError: no such number/],
  ['answers in another shape', /rows 513 to 1024: output "label" has 3 values for 512 rows/],
])('a model that %s at one row fails the evaluation with the rows it failed at', async (mood, message) => {
  const { evaluated, lines } = await evaluateModel(
    {
      files: ['predict_moods.py'],
      texts: { 'mood.txt': mood },
      model: {
        path: 'mood.txt',
        include: ['predict_moods.py'],
        runtime: { kind: 'predict', entry: 'predict_moods.py:Model' },
        outputs: { prediction: 'label' },
      },
    },
    ODD,
    mood === 'hangs' ? 3_000 : 20_000,
  )

  expect(evaluated?.failure?.reason).toBe('refused')
  expect(evaluated?.failure?.message).toMatch(message)
  expect(lines?.some((line) => /^candidate: .*predict_moods\.py.*, line \d+, in predict/.test(line))).toBe(
    mood === 'raises',
  )
})
