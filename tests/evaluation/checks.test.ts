import { execFile } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Signature } from '../../src/core/bundle.ts'
import type { EvaluatedModel } from '../../src/evaluation/ask-model.ts'
import { createEvaluateTask } from '../../src/evaluation/evaluate.ts'
import { createGateTask, type GateDecision } from '../../src/evaluation/gate.ts'
import { refusals } from '../../src/evaluation/pickles/judge-names.ts'
import { scanFile } from '../../src/evaluation/pickles/scan-file.ts'
import { openAnalytics, sqlText } from '../../src/lib/open-analytics.ts'
import { parsePipeline } from '../../src/pipeline/parse-pipeline.ts'
import type { EvaluationSpec } from '../../src/pipeline/pipeline.ts'
import { openHost } from '../../src/serving/model-host/open-host.ts'
import { openTaskPlace, type TaskPlace } from '../harness/task-context.ts'
import { MODELS } from '../serving/serving-place.ts'
import { librariesBin } from './python-libraries.ts'

/** Of one.onnx: answers 1 where c + d is larger than a + b. */
const SIGNATURE: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
  outputs: [
    { name: 'label', datatype: 'INT64', shape: [-1] },
    { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
  ],
  columns: { x: ['a', 'b', 'c', 'd'] },
  answer: { prediction: 'label', scores: 'probabilities', classes: ['no', 'yes'] },
}

let place: TaskPlace

beforeAll(async () => {
  place = await openTaskPlace()
})
afterAll(() => place[Symbol.asyncDispose]())

const ROWS = `select i as id, (i % 40) * 1.0 as a, 0.0 as b, 20.0 as c, 0.5 as d, case when i % 2 = 0 then 'm' else 'f' end as sex,
  case when (20.5 > i % 40) then 'yes' else 'no' end as label from range(400) t(i)`

interface Given {
  readonly gates: string
  readonly tables?: Readonly<Record<string, string>>
  readonly texts?: Readonly<Record<string, string>>
  /** Files of the bundle beside the model. */
  readonly include?: Readonly<Record<string, Buffer>>
  readonly evaluated?: boolean
}

/** Decides gates as the file says them, after evaluation where they need it. */
async function decide({
  gates,
  tables = { 'rows.parquet': ROWS },
  texts = {},
  include = {},
  evaluated = false,
}: Given) {
  const { pipeline, problems } = parsePipeline(`model: { path: model.onnx }
evaluation: { data: rows.parquet, task: classification, label: label, id: id, slices: [sex] }
steps: { train: { run: make, outs: [model.onnx] } }
environments: { production: { approval: none } }
gates:
${gates}`)
  expect(problems).toEqual([])
  const context = await place.context()
  await using analytics = await openAnalytics()
  for (const [file, select] of Object.entries(tables)) {
    await analytics.use((connection) =>
      connection.run(`copy (${select}) to ${sqlText(join(context.workspace, file))} (format parquet)`),
    )
  }
  for (const [file, text] of Object.entries(texts)) await writeFile(join(context.workspace, file), text)
  const bundle = join(context.workspace, 'bundle')
  await mkdir(bundle)
  await copyFile(join(MODELS, 'one.onnx'), join(bundle, 'model.onnx'))
  for (const [file, content] of Object.entries(include)) await writeFile(join(bundle, file), content)
  const files = await context.artifacts.putFolder(bundle)
  const manifest = {
    version: 1,
    name: 'm',
    files,
    modelPath: 'model.onnx',
    runtime: { kind: 'onnx' },
    signature: SIGNATURE,
  } as const
  const candidate: EvaluatedModel = { bundle: files.digest, manifest, env: {} }
  const rows = pipeline?.evaluation as EvaluationSpec
  const found = evaluated
    ? await createEvaluateTask({ openHost }).run(
        { evaluation: rows, metrics: ['recall'], slices: ['sex'], labelsAreHidden: false, latency: false, candidate },
        context,
      )
    : undefined
  const evaluation = found?.result === undefined ? {} : { evaluation: found.result }
  const decided = await createGateTask({ openHost }).run(
    { run: 'shop#1', gates: pipeline?.gates ?? [], waivers: [], candidate, rows, ...evaluation },
    await withWorkspace(context),
  )
  return { ...decided, gates: decided.result?.gates ?? [] }
}

/** The gates' step is another: it has the same files, and no traces of the evaluation's host. */
async function withWorkspace(context: Awaited<ReturnType<TaskPlace['context']>>) {
  const next = await place.context()
  for (const file of await readdir(context.workspace)) {
    if (/\.(parquet|yaml)$/.test(file)) await copyFile(join(context.workspace, file), join(next.workspace, file))
  }
  return next
}

function told(gates: readonly GateDecision[]): string[] {
  return gates.map(({ title, outcome, summary }) => `${outcome} ${title}: ${summary}`)
}

test('pickles of real libraries pass where their packages are allowed, and one that runs a program is refused wherever it hides', async () => {
  const { workspace } = await place.context()
  const python = join(await librariesBin('models'), 'python')
  const script = fileURLToPath(new URL('./python/make_pickles.py', import.meta.url))
  await promisify(execFile)(python, [script, workspace])
  const scan = async (folder: string, allow: string[]) => {
    const names = (await readdir(join(workspace, folder))).sort()
    const each = names.map(async (name) => {
      const refused = refusals(scanFile(await readFile(join(workspace, folder, name)), name), allow)
      return [name, refused.map(({ name: global, why }) => (global === 'the rest of the file' ? why : global))] as const
    })
    return Object.fromEntries(await Promise.all(each))
  }

  const good = await scan('good', ['sklearn', 'numpy', 'torch'])
  const evil = await scan('evil', ['sklearn', 'numpy', 'torch', 'os', 'posix'])

  expect(Object.keys(good).length).toBeGreaterThanOrEqual(12)
  expect(Object.values(good).flat()).toEqual([])
  const { 'packed.joblib': packed, ...others } = evil
  expect(packed).toEqual([expect.stringContaining('packed with xz, which cannot be looked into')])
  expect(Object.keys(others).length).toBeGreaterThanOrEqual(10)
  for (const [name, refused] of Object.entries(others)) expect(refused, name).toEqual(['posix.system'])
})

test('a pickle in the bundle is refused with the opcode and its place, and a bundle has a size', async () => {
  const evil = Buffer.from('cos\nsystem\n(S"id"\ntR.')
  const gates = `  - { check: unsafe-pickle, allow: [sklearn] }
  - { metric: model-size, max: 1MiB }
  - { metric: model-size, max: 100B }`

  const { gates: refused, failure } = await decide({ gates, include: { 'weights.dat': evil } })
  const { gates: clean } = await decide({ gates: '  - { check: unsafe-pickle }' })

  expect(told(refused)).toEqual([
    'fail unsafe-pickle: weights.dat: os.system (GLOBAL at byte 0): os runs other programs or code',
    expect.stringMatching(/^pass model-size: model-size \d+ B in 2 files, at most 1 MiB wanted$/),
    expect.stringMatching(/^fail model-size-2: model-size \d+ B in 2 files, at most 100 B wanted$/),
  ])
  expect(failure?.reason).toBe('refused')
  expect(told(clean)).toEqual(['pass unsafe-pickle: no pickle among the 1 files of the bundle'])
})

const BEHAVIOUR = `tests:
  - { name: b and a are alike, invariance: { b: { noise: 0.001 } }, tolerance: 0.01, rows: 50 }
  - { name: more c is more yes, directional: { c: { add: 1 } }, must: not-fall, of: 'yes' }
  - { name: far is no, functionality: [{ a: 100, b: 100, c: 0, d: 0 }], answer: 'no' }
`

test('the model is asked about changed rows in its own host, and failing rows are listed with both answers', async () => {
  const gates = '  - { check: behaviour, file: tests.yaml }'
  const failing = `tests:
  - { name: a does not matter, invariance: { a: { add: 30 } }, rows: 40, seed: 7 }
  - { name: near is no, functionality: [{ a: 0, b: 0, c: 9, d: 9 }, { a: 9, b: 9, c: 0, d: 0 }], answer: 'no' }
`

  const { gates: held } = await decide({ gates, texts: { 'tests.yaml': BEHAVIOUR } })
  const { gates: failed, failure } = await decide({ gates, texts: { 'tests.yaml': failing } })
  const { gates: again } = await decide({ gates, texts: { 'tests.yaml': failing } })

  expect(told(held)).toEqual(['pass behaviour: 3 tests hold on 251 rows'])
  expect(failed[0]?.outcome).toBe('fail')
  expect(failed[0]?.summary).toMatch(
    /^a does not matter: \d+ of 40 rows failed, row \d+ for one \(yes became no\); near is no: 1 of 2 rows failed, row 1 for one \(no became yes\)$/,
  )
  const [first] = (failed[0]?.evidence['tests'] ?? []) as {
    examples: { inputs: object; before: string; answer: string }[]
  }[]
  expect(first?.examples).toHaveLength(10)
  expect(first?.examples[0]).toMatchObject({
    before: 'yes',
    answer: 'no',
    inputs: { a: expect.any(String), label: 'yes' },
  })
  expect(again[0]?.evidence).toEqual(failed[0]?.evidence)
  expect(failure?.message).toContain('gate behaviour failed: a does not matter')
})

test.each([
  ['no such file', {}, 'tests.yaml is not there'],
  [
    'a column the rows lack',
    { 'tests.yaml': 'tests: [{ name: t, invariance: { z: { set: 1 } } }]' },
    'it changes "z", which is no column of the rows',
  ],
  [
    'a class the model lacks',
    { 'tests.yaml': 'tests: [{ name: t, directional: { a: { add: 1 } }, must: rise, of: maybe }]' },
    'the model has no class "maybe": its classes are no, yes',
  ],
  [
    'text where a number is',
    { 'tests.yaml': 'tests: [{ name: t, invariance: { a: { set: red } } }]' },
    'its rows cannot be made',
  ],
  [
    'a mistake in the file',
    { 'tests.yaml': 'tests:\n  - { name: t, invariant: { a: { set: 1 } } }' },
    'tests.yaml:2:16: tests[0].invariant: unknown key "invariant"',
  ],
])('%s leaves tests of behaviour open, with the reason', async (_, texts, message) => {
  const { gates } = await decide({ gates: '  - { check: behaviour, file: tests.yaml }', texts })

  expect(gates[0]?.outcome).toBe('inconclusive')
  expect(gates[0]?.summary).toContain(message)
})

test('rows that a change leaves as they are prove nothing, and whole numbers become fractions for a model that takes them', async () => {
  const whole = ROWS.replace('(i % 40) * 1.0 as a', '(i % 40) as a').replace(
    "'m' else 'f' end as sex",
    "'m' else 'f' end as sex, 7 as unused",
  )
  const texts = {
    'tests.yaml': `tests:
  - { name: nobody is called x, invariance: { sex: { replace: { from: x, to: y } } } }
  - { name: a whole number stays, invariance: { unused: { noise: 0.01 } } }
  - { name: half of them are m, invariance: { sex: { replace: { from: m, to: f } } }, rows: 400 }
  - { name: every step of a counts, directional: { a: { add: 0.4 } }, must: fall, of: 'yes', rows: 400, at-most: 20% }
  - { name: rounding is no rise, directional: { c: { add: 0.000002 } }, must: not-rise, of: 'yes', rows: 400 }
`,
  }

  const { gates } = await decide({
    gates: '  - { check: behaviour, file: tests.yaml }',
    texts,
    tables: { 'rows.parquet': whole },
  })

  const tests = gates[0]?.evidence['tests'] as {
    name: string
    outcome: string
    rows: number
    failed: number
    why?: string
  }[]
  expect(tests.map(({ outcome, rows, failed }) => `${outcome} ${failed}/${rows}`)).toEqual([
    'inconclusive 0/0',
    'inconclusive 0/0',
    'pass 0/200',
    'pass 60/400',
    'pass 0/400',
  ])
  expect(gates[0]?.summary).toMatch(
    /^nobody is called x: it changes none of the rows, and so proves nothing; a whole number stays: it changes none/,
  )
})

test('a difference between groups fails, passes or is open by its interval', async () => {
  const gate = '  - { check: fairness, metric: recall, between: sex, max-difference: 0.1, min-rows: 20 }'
  const wrongFor = (share: number) =>
    ROWS.replace('case when (20.5', `case when (i % 2 = 0 and (i / 2) % 10 < ${share}) <> (20.5`)

  const { gates: fair } = await decide({ gates: gate, evaluated: true })
  const { gates: unfair } = await decide({ gates: gate, evaluated: true, tables: { 'rows.parquet': wrongFor(4) } })
  const { gates: open } = await decide({ gates: gate, evaluated: true, tables: { 'rows.parquet': wrongFor(1) } })
  const { gates: few } = await decide({ gates: gate.replace('20 }', '500 }'), evaluated: true })

  expect(told(fair)[0]).toBe(
    'pass fairness-recall-sex: recall 1.000 for sex = f and 1.000 for m: a difference of 0.000 (with 95 % confidence at least -0.012, and at most 0.012), at most 0.1 wanted',
  )
  expect(told(unfair)[0]).toMatch(
    /^fail fairness-recall-sex: recall 1\.000 for sex = f and 0\.\d+ for m: a difference of 0\.[34]\d+ /,
  )
  expect(told(open)[0]).toMatch(/^inconclusive .*the rows are too few to tell$/)
  expect(told(few)[0]).toBe(
    'inconclusive fairness-recall-sex: fewer than two values of sex have 500 rows to be compared by',
  )
})

test('rules of a table are counted, and what breaks them is told with an example', async () => {
  const gates = `  - { check: data, dataset: rows.parquet, columns: { a: { type: number, min: 0, max: 39, nulls: 0 }, id: { unique: true }, sex: { values: [m, f] } }, min-rows: 400, duplicates: 0% }
  - check: data
    dataset: rows.parquet
    columns: { a: { max: 30, unique: true }, sex: { type: number }, label: { values: ['yes'] }, age: { min: 0 } }
  - { check: data, dataset: none.parquet, min-rows: 1 }`

  const { gates: decided } = await decide({ gates })

  expect(told(decided)).toEqual([
    'pass data-rows: rows.parquet: all rules hold for 400 rows',
    'fail data-rows-2: rows.parquet: a: at most 30 wanted, and 90 rows are not, "31.0" for one; a: unique wanted, and 360 rows are not; sex: is number, not VARCHAR wanted, and 400 rows are not, "m" for one; label: one of yes wanted, and 190 rows are not, "no" for one and 1 more',
    expect.stringContaining('inconclusive data-none: it could not be checked: none.parquet is not there'),
  ])
})

test('a number is one of the values however it is written, and an absent one is no second of its kind', async () => {
  const rows = `select case when i < 3 then 'nan'::double when i < 5 then null else i end as grade, i % 2 + 1.0 as kind from range(9) t(i)`
  const gate = (values: string) =>
    `  - { check: data, dataset: rows.parquet, columns: { grade: { unique: true }, kind: { values: ${values} } } }`

  const { gates } = await decide({ gates: `${gate('[1, 2]')}\n${gate('[1]')}`, tables: { 'rows.parquet': rows } })

  expect(told(gates)).toEqual([
    'pass data-rows: rows.parquet: all rules hold for 9 rows',
    'fail data-rows-2: rows.parquet: kind: one of 1 wanted, and 4 rows are not, "2.0" for one',
  ])
})

test('rows on both sides fail, and a column that gives the label away is named for a person to judge', async () => {
  const half = (which: number) => `select * from (${ROWS}) where id % 2 = ${which}`
  const gate = '  - { check: leakage, train: train.parquet, test: rows.parquet, by: [id] }'
  const noisy = `select * replace (case when hash(id) % 3 = 0 then 'no' else 'yes' end as label) from (${half(0)})`
  const told_ = async (train: string) =>
    told((await decide({ gates: gate, tables: { 'rows.parquet': half(1), 'train.parquet': train } })).gates)[0]

  expect(await told_(noisy)).toBe(
    'pass leakage: no row of rows.parquet is in train.parquet by id, and no single column gives the label away (0 duplicates in train.parquet)',
  )
  expect(await told_(`(${noisy}) union all (select * from (${half(1)}) limit 3)`)).toBe(
    'fail leakage: 3 of 200 rows of rows.parquet are in train.parquet too, by id',
  )
  expect(await told_(`select *, case label when 'no' then 'refused' else 'paid' end as outcome from (${noisy})`)).toBe(
    'inconclusive leakage: one column alone tells label: outcome (100.0 %). Is it known when a prediction is asked for?',
  )
})

test('rows are on both sides whatever index pandas wrote beside them', async () => {
  const rows = `select *, id as __index_level_0__ from (${ROWS})`
  const moved = `select *, id + 1000 as __index_level_0__ from (${ROWS}) limit 100`

  const { gates } = await decide({
    gates: '  - { check: leakage, train: train.parquet, test: rows.parquet }',
    tables: { 'rows.parquet': rows, 'train.parquet': moved },
  })

  expect(told(gates)).toEqual(['fail leakage: 100 of 400 rows of rows.parquet are in train.parquet too, by whole rows'])
})

test('rows with absent values are found on both sides, and an overlap that is allowed is told', async () => {
  const rows = `select * replace (case when id % 4 = 0 then null else a end as a, case when id < 40 then null else id end as id) from (${ROWS})`
  const tables = { 'rows.parquet': rows, 'train.parquet': `${rows} limit 100` }
  const leakage = (by: string, most: string) =>
    `  - { check: leakage, train: train.parquet, test: rows.parquet, ${by} max-overlap: ${most} }`

  const { gates } = await decide({
    gates: [leakage('', '0%'), leakage('', '60%'), leakage('by: [id],', '0%')].join('\n'),
    tables,
  })

  expect(told(gates)).toEqual([
    'fail leakage: 100 of 400 rows of rows.parquet are in train.parquet too, by whole rows',
    'pass leakage-2: 100 of 400 rows of rows.parquet are in train.parquet by whole rows (at most 60 % may be), and no single column gives the label away (8 duplicates in train.parquet)',
    'fail leakage-3: 60 of 400 rows of rows.parquet are in train.parquet too, by id',
  ])
})
