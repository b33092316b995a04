import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Signature } from '../../src/core/bundle.ts'
import { isAppError } from '../../src/core/errors.ts'
import type { EvaluatedModel } from '../../src/evaluation/ask-model.ts'
import { createEvaluateTask } from '../../src/evaluation/evaluate.ts'
import type { EvaluateInput } from '../../src/evaluation/evaluation-place.ts'
import { measureAgain, measureLatency, type TimedEndpoint } from '../../src/evaluation/measure-latency.ts'
import { readCells, ROW } from '../../src/evaluation/read-table.ts'
import { readOutcomes } from '../../src/evaluation/outcomes-file.ts'
import { createGateTask, type GateInput } from '../../src/evaluation/gate.ts'
import { listGates, listWaivers, recordGates, waiveGate } from '../../src/evaluation/gates.sql.ts'
import { readEvents } from '../../src/db/outbox.ts'
import type { InferBody } from '../../src/drivers/runtime/tensors/infer-body.ts'
import { openAnalytics, sqlText } from '../../src/lib/open-analytics.ts'
import { createEndpointClient, type EndpointClient } from '../../src/serving/endpoint-client.ts'
import { openHost } from '../../src/serving/model-host/open-host.ts'
import { DATABASES, openTestDatabase } from '../harness/databases.ts'
import { arm, hostSpec, openTestGateway, putRoutes, route } from '../serving/serving-place.ts'
import { openTaskPlace, type TaskPlace } from '../harness/task-context.ts'

const MODELS = fileURLToPath(new URL('../serving/models/', import.meta.url))
/** Of one.onnx: answers 1 where c + d is larger than a + b; two.onnx answers the opposite. */
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
let one: EvaluatedModel
let two: EvaluatedModel

beforeAll(async () => {
  place = await openTaskPlace()
  one = await bundle('one.onnx')
  two = await bundle('two.onnx')
})
afterAll(() => place[Symbol.asyncDispose]())

async function bundle(file: string, signature: Partial<Signature> = {}): Promise<EvaluatedModel> {
  const context = await place.context()
  const folder = join(context.workspace, 'bundle')
  await mkdir(folder)
  await copyFile(join(MODELS, file), join(folder, 'model.onnx'))
  const files = await context.artifacts.putFolder(folder)
  const manifest = {
    version: 1,
    name: file,
    files,
    modelPath: 'model.onnx',
    runtime: { kind: 'onnx' },
    signature: { ...SIGNATURE, ...signature },
  } as const
  return { bundle: files.digest, manifest, env: {} }
}

/** Forty rows: the truth is what one.onnx says, but for every tenth. */
const ROWS = `select i as id, i * 1.0 as a, 0.0 as b, 20.0 as c, 0.5 as d, i % 2 as half,
  case when (20.5 > i) = (i % 10 <> 0) then 'yes' else 'no' end as label from range(40) t(i)`

/** Tables by their path, each as a query. */
type Tables = Readonly<Record<string, string>>

async function evaluate(
  input: Partial<EvaluateInput>,
  select: string | Tables = ROWS,
  file = 'test.parquet',
  endpoint?: TimedEndpoint,
) {
  const context = await place.context()
  await using analytics = await openAnalytics()
  const tables = typeof select === 'string' ? { [file]: select } : select
  await analytics.use(async (connection) => {
    for (const [path, query] of Object.entries(tables)) {
      const format = path.endsWith('.csv') ? 'csv, header' : 'parquet'
      await connection.run(`copy (${query}) to ${sqlText(join(context.workspace, path))} (format ${format})`)
    }
  })
  const task = createEvaluateTask({
    openHost: (spec, options) => openHost(spec, { ...options, inferMs: 2_000 }),
    ...(endpoint === undefined ? {} : { endpoint }),
  })
  const evaluation = {
    source: { kind: 'data', path: file },
    task: 'classification',
    label: 'label',
    id: 'id',
    slices: ['half'],
  } as const
  const output = await task.run(
    {
      evaluation,
      metrics: ['accuracy', 'auc'],
      slices: ['half'],
      labelsAreHidden: false,
      latency: false,
      candidate: one,
      ...input,
    },
    context,
  )
  return { ...output, context }
}

test('candidate and champion answer the same rows in their own hosts', async () => {
  const { result, metrics, failure, context } = await evaluate({ champion: { ...two, version: 3 } })

  expect(failure).toBeUndefined()
  expect(result).toMatchObject({
    rows: 40,
    source: 'hosts',
    candidate: {
      metrics: { accuracy: { value: 0.9 } },
      confusion: [
        [18, 3],
        [1, 18],
      ],
    },
    champion: { version: 3, metrics: { accuracy: { value: 0.1 } } },
  })
  expect(result!.slices.map(({ value, rows, candidate }) => [value, rows, candidate['accuracy']!.value])).toEqual([
    ['0', 20, 0.8],
    ['1', 20, 1],
  ])
  expect(metrics!['accuracy']).toBe(0.9)
  const outcomes = readOutcomes(await context.artifacts.read(result!.outcomes.digest))
  expect(outcomes.classes).toEqual(['no', 'yes'])
  expect(outcomes.ids).toHaveLength(40)
  expect(Array.from(outcomes.champion!.predicted, (answer) => 1 - answer)).toEqual(
    Array.from(outcomes.candidate.predicted),
  )
})

describe('latency', () => {
  /** The candidate behind a gateway of its own that wants a token, as `flow/` opens it for an attempt. */
  async function behindGateway(modelFile: string) {
    const gateway = await openTestGateway()
    const tokenSha256 = createHash('sha256').update('tge_right').digest('hex')
    const arms = [arm('champion', 'h', 'candidate', 1)]
    await putRoutes(gateway, [hostSpec('h', modelFile, { signature: SIGNATURE })], [route(arms, { tokenSha256 })])
    return Object.assign(gateway, { url: `${gateway.base}/v2/models/m` })
  }

  test('is measured through the gateway, at the endpoint that the attempt was given', async () => {
    await using gateway = await behindGateway('one')
    const endpoint = createEndpointClient({ url: gateway.url, token: 'tge_right' })

    const { result, context } = await evaluate({ latency: true }, ROWS, 'test.parquet', endpoint)

    const { requests, warmUp, p50, p95, p99 } = result!.latency!
    expect({ warmUp, isEnough: requests >= 100 && requests <= 400 }).toEqual({ warmUp: 10, isEnough: true })
    expect([p50, p95, p99]).toEqual([p50, p95, p99].toSorted((a, b) => a - b))
    const { counters } = await gateway.control.status()
    expect(counters).toMatchObject([{ requests: requests + warmUp, errors: 0 }])
    expect(context.lines.join('\n')).toContain(`latency through the gateway over ${requests} requests`)
  })

  test('also of rows with absent numbers, which JSON cannot carry', async () => {
    await using gateway = await behindGateway('one')
    const endpoint = createEndpointClient({ url: gateway.url, token: 'tge_right' })

    const candidate = await bundle('one.onnx', { answer: { prediction: 'label', classes: ['no', 'yes'] } })

    const { result, failure } = await evaluate(
      { latency: true, candidate },
      `select * replace (case when id % 2 = 0 then null else a end as a) from (${ROWS})`,
      'test.parquet',
      endpoint,
    )

    expect(failure).toBeUndefined()
    expect(result!.latency!.requests).toBeGreaterThanOrEqual(100)
  })

  test('at an endpoint that refuses the rows stops the evaluation with the words of the gateway', async () => {
    await using gateway = await behindGateway('one')
    const endpoint = createEndpointClient({ url: gateway.url, token: 'tge_wrong' })

    const { failure } = await evaluate({ latency: true }, ROWS, 'test.parquet', endpoint)

    expect(failure).toMatchObject({ reason: 'refused' })
    expect(failure?.message).toMatch(
      /^the candidate could not be evaluated: its latency could not be measured: its endpoint answered with status 401: /,
    )
  })

  test('is of all that came while the model stalled, not of the one request that met it', async () => {
    // Request 60 is not answered before 20 more are here: who sends one after another would wait for ever.
    const held: (() => void)[] = []
    let seen = 0
    const server = createServer((request, response) => {
      const answer = () => response.end('{}')
      request.resume().on('end', () => {
        seen++
        if (seen < 60 || seen > 80) return answer()
        held.push(answer)
        if (seen === 80) for (const one of held.splice(0)) one()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const client = createEndpointClient({ url: `http://127.0.0.1:${port}`, token: 'any' })
    const request = client.encode([{ name: 'x', datatype: 'FP32', shape: [1, 1], data: new Float32Array([1]) }])

    const measured = await measureLatency(client, [request], new AbortController().signal)
    server.closeAllConnections()
    server.close()

    expect(measured.requests).toBeGreaterThanOrEqual(100)
    expect(seen).toBe(measured.requests + 10)
  })

  test('is measured anew when the gateway dies meanwhile', async () => {
    await using gateway = await behindGateway('one')
    const client = createEndpointClient({ url: gateway.url, token: 'tge_right' })
    const input = { name: 'x', datatype: 'FP32', shape: [1, 4], data: new Float32Array([1, 2, 3, 4]) } as const
    const killer = killAfter(client, gateway.control.pid)
    const { signal } = new AbortController()

    const measured = await measureAgain(() => measureLatency(killer, [client.encode([input])], signal), signal)

    const { counters } = await gateway.control.status()
    expect(counters).toMatchObject([{ requests: measured.requests + 10, errors: 0 }])
  })

  function killAfter(client: EndpointClient, pid: number): TimedEndpoint<InferBody> {
    let asked = 0
    return {
      encode: (inputs) => client.encode(inputs),
      ask(request, aborted) {
        if (++asked === 40) process.kill(pid, 'SIGKILL')
        return client.ask(request, aborted)
      },
    }
  }
})

test('ids that are not the own of each row, and answers that are no label, are told', async () => {
  const select = `select * replace (case when id < 3 then null when id < 10 then 3 else id end as id,
    case when label = 'yes' then 'Yes' else label end as label) from (${ROWS})`

  const { result } = await evaluate({}, select)

  expect(result!.notes).toEqual([
    '3 rows have no id (evaluation.id)',
    '6 rows have the id of another row, 3 for one (evaluation.id): where they belong together, say so in evaluation.unit',
    '21 answers of the candidate (yes) are no label of any row: wrong wherever the class is written otherwise there',
  ])
  expect((await evaluate({})).result!.notes).toEqual([])
})

test('scores that belong to no class are said not to be used', async () => {
  const answer = { prediction: 'label', scores: 'probabilities', classes: ['no', 'yes', 'maybe'] }

  const { result } = await evaluate({ candidate: await bundle('one.onnx', { answer }) })

  expect(result!.notes).toEqual([
    "the candidate's scores are not used: a row has 2, and model.outputs.classes names 3. Each class needs one",
  ])
  expect(result!.candidate.metrics['auc']).toMatchObject({ value: null, why: 'the model gives no scores' })
})

test('a table of comma separated values gives the same numbers', async () => {
  const parquet = await evaluate({})
  const csv = await evaluate({}, ROWS, 'test.csv')

  expect(csv.result!.candidate.metrics).toEqual(parquet.result!.candidate.metrics)
})

test('many rows are sent in parts, and the answers stay in order', async () => {
  const many = ROWS.replace('range(40)', '(select (x * 7919) % 40 as i from range(3000) r(x))')

  const { result } = await evaluate({}, many)

  expect(result!.rows).toBe(3_000)
  expect(result!.candidate.metrics['accuracy']!.value).toBeCloseTo(0.9, 10)
})

test("columns that nobody named are taken in the table's order", async () => {
  const bare = await bundle('one.onnx', { columns: {} })

  const { result } = await evaluate({ candidate: bare, slices: ['half'] })

  expect(result!.candidate.metrics['accuracy']!.value).toBe(0.9)
})

test('a champion that was lost is asked again by the next run, one that answered is not', async () => {
  const env = { VIRTUAL_ENV: '/var/lib/tidegate/environments/none' }
  const runtime = { kind: 'predict', entry: 'predict.py:Model', python: 'python3' } as const
  const lost = { ...two, manifest: { ...two.manifest, runtime }, env, version: 1 }

  const without = await evaluate({ champion: lost })
  const with_ = await evaluate({ champion: { ...two, version: 1 } })

  expect(without.result!.champion).toMatchObject({ failed: expect.stringContaining('is gone; rerun') as string })
  expect(without.cacheable).toBe(false)
  expect(with_.cacheable).toBeUndefined()
})

test('a champion whose column is gone is no reason to fail, but is told', async () => {
  const champion = { ...(await bundle('two.onnx', { columns: { x: ['a', 'b', 'c', 'gone'] } })), version: 2 }

  const { result } = await evaluate({ champion })

  expect(result!.candidate.metrics['accuracy']!.value).toBe(0.9)
  expect(result!.champion).toMatchObject({ version: 2, failed: expect.stringContaining('"gone"') as string })
})

test.each([
  [
    'a missing label column',
    ROWS.replace('as label', 'as truth'),
    'has no column "label" (evaluation.label). Its columns are id, a, b',
  ],
  [
    'labels that are missing',
    ROWS.replace("'no' end", 'null end'),
    'of 40 rows have no usable value in "label", the first is row 1',
  ],
  ['no rows', `${ROWS} limit 0`, 'test.parquet has no rows'],
  ['text where a number is needed', ROWS.replace('0.0 as b', "'red' as b"), 'red'],
])('%s is refused with the reason', async (_, select, message) => {
  const { failure } = await evaluate({}, select)

  expect(failure?.reason).toBe('refused')
  expect(failure?.message).toContain(message)
})

test('a file that is no table is refused with the reason', async () => {
  const context = await place.context()
  await writeFile(join(context.workspace, 'test.parquet'), 'not parquet')
  const task = createEvaluateTask({ openHost: (spec, options) => openHost(spec, { ...options, inferMs: 2_000 }) })
  const evaluation = {
    source: { kind: 'data', path: 'test.parquet' },
    task: 'classification',
    label: 'label',
    slices: [],
  } as const

  const { failure } = await task.run(
    { evaluation, metrics: [], slices: [], labelsAreHidden: false, latency: false, candidate: one },
    context,
  )

  expect(failure?.message).toContain('test.parquet cannot be read')
})

test("a file of the author's that is broken in the middle is refused with the reason", async () => {
  const context = await place.context()
  const file = join(context.workspace, 'test.parquet')
  await using analytics = await openAnalytics()
  const select = 'select i::double as truth, random() as prediction from range(50000) t(i)'
  await analytics.use((connection) => connection.run(`copy (${select}) to ${sqlText(file)} (format parquet)`))
  const bytes = await readFile(file)
  await writeFile(file, bytes.fill(0xff, 4, bytes.length / 2))
  const task = createEvaluateTask({ openHost: () => Promise.reject(new Error('nothing is asked')) })
  const source = { kind: 'predictions', path: 'test.parquet' } as const
  const evaluation = { source, task: 'regression', label: 'truth', slices: [] } as const

  const { failure } = await task.run(
    { evaluation, metrics: [], slices: [], labelsAreHidden: false, latency: false, candidate: one },
    context,
  )

  expect(failure?.reason).toBe('refused')
  expect(failure?.message).toContain('the held-out rows cannot be read: ')
})

test('answers that are no numbers fail the candidate, or are no evidence of the champion', async () => {
  const logarithm = await bundle('logarithm.onnx', {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
    columns: { x: ['b'] },
    answer: { prediction: 'y' },
  })
  const evaluation = {
    source: { kind: 'data', path: 'test.parquet' },
    task: 'regression',
    label: 'a',
    slices: [],
  } as const

  const rows = 'select i * 1.0 as a, i * 1.0 as b from range(1, 5) t(i)'
  const withZero = rows.replace('range(1, 5)', 'range(5)')

  const { failure } = await evaluate({ candidate: logarithm, evaluation, slices: [] }, withZero)
  const champion = {
    ...logarithm,
    manifest: { ...logarithm.manifest, signature: { ...logarithm.manifest.signature, columns: { x: ['c'] } } },
    version: 4,
  }
  const { result } = await evaluate(
    { candidate: logarithm, champion, evaluation, slices: [] },
    rows.replace('from', ', -1.0 as c from'),
  )

  expect(failure?.message).toBe('the candidate could not be evaluated: the answer to row 1 is -Infinity')
  expect(result!.champion).toMatchObject({ version: 4, failed: 'the answer to row 1 is NaN' })
})

test('a model that hangs over a row fails the candidate, and is ended', async () => {
  const hangs = await bundle('hangs-in-run.onnx', {
    inputs: [
      { name: 'x', datatype: 'FP32', shape: [1] },
      { name: 'rounds', datatype: 'INT64', shape: [] },
    ],
    columns: { x: ['b'], rounds: ['rounds'] },
    answer: { prediction: 'y' },
  })
  const evaluation = {
    source: { kind: 'data', path: 'test.parquet' },
    task: 'regression',
    label: 'b',
    slices: [],
  } as const
  const champion = { ...hangs, version: 1 }
  const rounds = (i: number) =>
    `select 1.5 as b, case when i < ${i} then 0 else 9000000000000 end as rounds from range(3) t(i)`

  const well = await evaluate({ candidate: hangs, evaluation, slices: [], metrics: [] }, rounds(3))
  const bad = await evaluate({ candidate: hangs, champion, evaluation, slices: [], metrics: [] }, rounds(2))

  expect(well.result!.candidate.metrics['mae']!.value).toBe(0)
  expect(bad.failure?.message).toMatch(/^the candidate could not be evaluated: .*did not answer within 2 s/)
})

test("answers from the author's own code are marked, and prove nothing against the champion", async () => {
  const evaluation = {
    source: { kind: 'predictions', path: 'test.parquet' },
    task: 'regression',
    label: 'truth',
    slices: [],
  } as const

  const { result } = await evaluate(
    { evaluation, slices: [], champion: { ...two, version: 1 } },
    'select i::double as truth, i + 1.0 as prediction from range(20) t(i)',
  )

  expect(result).toMatchObject({
    source: 'author',
    candidate: { metrics: { mae: { value: 1 } } },
    champion: { failed: expect.any(String) as string },
  })
  expect(result!.notes[0]).toContain('labels supplied by the author')
})

test.each([
  ['in Parquet, read where it lies', 'test.parquet', ''],
  ["in Parquet with a column of the reader's own name", 'test.parquet', ', -i as file_row_number'],
  ['in comma separated values', 'test.csv', ''],
])("many answers of the author's keep the file's order: %s", async (_, path, more) => {
  const evaluation = { source: { kind: 'predictions', path }, task: 'regression', label: 'truth', slices: [] } as const

  const { result, context } = await evaluate(
    { evaluation, slices: [], metrics: [] },
    `select i::double as truth, i + 0.5 * (i % 3) as prediction${more} from range(300000) t(i) order by i`,
    path,
  )

  const { truth, candidate } = readOutcomes(await context.artifacts.read(result!.outcomes.digest))
  expect(result!.candidate.metrics['mae']!.value).toBe(0.5)
  expect(Array.from(truth).findIndex((value, i) => value !== i)).toBe(-1)
  expect(Array.from(candidate.predicted).findIndex((value, i) => value !== i + 0.5 * (i % 3))).toBe(-1)
})

describe("rows that the author's code answered", () => {
  const evaluation = {
    source: { kind: 'predictions', path: 'test.parquet' },
    task: 'classification',
    label: 'truth',
    id: 'id',
    weight: 'w',
    unit: 'patient',
    positive: 'bad',
    slices: ['ink', 'ink+half'],
    metrics: { dice: { column: 'overlap', better: 'higher' } },
  } as const
  const SELECT = `select i as id, case when i % 4 = 0 then 'bad' else 'good' end as truth,
    case when i % 4 = 0 and i % 3 <> 0 then 'bad' else 'good' end as prediction,
    1.0 - score as score_good, score as score_bad, i // 5 as patient, 1 + i % 2 as w, i / 200.0 as overlap,
    case when i % 2 = 0 then 'dark' else 'light' end as ink, i // 100 as half
    from (select i, ((i * 37) % 101) / 101.0 as score from range(200) t(i))`

  test('have weights, units, a class that matters, scores, metrics of their own and slices of two columns', async () => {
    const { result, failure, metrics } = await evaluate({ evaluation, slices: [...evaluation.slices] }, SELECT)

    expect(failure).toBeUndefined()
    expect(result).toMatchObject({
      positive: 'bad',
      weight: 'w',
      unit: { column: 'patient', count: 40 },
      own: { dice: { better: 'higher' } },
    })
    // By hand: of the 50 bad rows every third is missed; each has weight 1, as all even rows.
    expect(metrics).toMatchObject({ recall: 33 / 50, precision: 1 })
    expect(metrics!['auc']).toBeGreaterThan(0.4)
    expect(result!.candidate.metrics['dice']).toMatchObject({ method: 'bootstrap of units' })
    expect(result!.slices.map(({ column, value, rows }) => `${column} ${value} ${rows}`)).toEqual([
      'ink dark 100',
      'ink light 100',
      'ink+half dark+0 50',
      'ink+half dark+1 50',
      'ink+half light+0 50',
      'ink+half light+1 50',
    ])
  })

  test.each([
    ['a weight below zero', SELECT.replace('1 + i % 2', '1 - i'), 'the weight of row 3 ("w") is -1'],
    [
      'a class that no row is',
      SELECT.replaceAll("'bad'", "'worse'").replaceAll('as score_', 'as s_'),
      'no row is "bad" (evaluation.positive)',
    ],
    ['a column that is gone', SELECT.replace('as patient', 'as person'), 'has no column "patient" (evaluation.unit)'],
    ['a score of one class', SELECT.replace('as score_good', 'as good'), 'has a score of one class only'],
    [
      'an own number that is missing',
      SELECT.replace('i / 200.0', 'nullif(i, 7)'),
      'no usable value in "overlap", the first is row 8',
    ],
  ])('are refused for %s', async (_, select, message) => {
    const { failure } = await evaluate({ evaluation, slices: [...evaluation.slices] }, select)

    expect(failure?.message).toContain(message)
  })
})

describe("answers of the author's to rows whose labels stand elsewhere", () => {
  const evaluation = {
    source: { kind: 'predictions', path: 'answers.csv', labels: 'test.parquet' },
    task: 'classification',
    label: 'truth',
    id: 'image',
    slices: ['ink'],
  } as const
  const LABELS = `select i as image, case when i % 4 = 0 then 'bad' else 'good' end as truth,
    case when i % 2 = 0 then 'dark' else 'light' end as ink from range(40) t(i)`
  /** Right about all but three of the forty, in another order. */
  const ANSWERS = `select i as image, case when i % 4 = 0 and i > 8 then 'bad' else 'good' end as prediction
    from range(40) t(i) order by (i * 7) % 40`

  function joined(answers: string, labels = LABELS, more: Partial<EvaluateInput> = {}) {
    const input = { evaluation, slices: ['ink'], labelsAreHidden: true, ...more }
    return evaluate(input, { 'test.parquet': labels, 'answers.csv': answers })
  }

  test('are joined by id, whatever their order, and the labels are said to be hidden', async () => {
    const { result, failure, context } = await joined(ANSWERS)

    expect(failure).toBeUndefined()
    expect(result).toMatchObject({
      rows: 40,
      source: 'author',
      labels: { path: 'test.parquet', areHidden: true },
      candidate: { metrics: { accuracy: { value: 37 / 40 } } },
      notes: [
        "the answers come from a file of the commit's own code, not from the model's host; the labels are those of test.parquet, which no step sees",
      ],
    })
    expect(result!.slices.map(({ value, rows }) => `${value} ${rows}`)).toEqual(['dark 20', 'light 20'])
    const { ids, candidate, classes } = readOutcomes(await context.artifacts.read(result!.outcomes.digest))
    expect(ids?.slice(0, 3)).toEqual(['0', '1', '2'])
    expect(Array.from(candidate.predicted).map((answer) => classes![answer])[12]).toBe('bad')
    expect((await joined(ANSWERS, LABELS, { labelsAreHidden: false })).result!.notes[0]).toMatch(/which steps may see$/)
  })

  test('cannot say what is true of a row, nor what counts', async () => {
    const forged = `select *, prediction as Truth, 'dark' as ink from (${ANSWERS})`

    const { result } = await joined(forged)

    expect(result!.candidate.metrics['accuracy']!.value).toBe(37 / 40)
    expect(result!.slices).toHaveLength(2)
    expect(result!.notes[0]).toBe('Truth, ink of answers.csv is not looked at: what counts is what test.parquet says')
  })

  test('are all that is an answer: what the rows have under such names is not', async () => {
    const scored = `select *, 0.9 as score_good, 0.1 as score_bad from (${ANSWERS})`
    const stale = `select *, truth as prediction, 0.5 as score_old from (${LABELS})`

    const { result, failure } = await joined(scored, stale)

    expect(failure).toBeUndefined()
    expect(result!.candidate.metrics['accuracy']!.value).toBe(37 / 40)
    expect(result!.candidate.metrics['auc']!.value).toBe(0.5)
  })

  test.each([
    [
      'rows without an answer',
      ANSWERS.replace('order by', 'where i not in (3, 5) order by'),
      LABELS,
      '2 rows without an answer ("3", "5")',
    ],
    [
      'answers to no row',
      ANSWERS,
      LABELS.replace('range(40)', 'range(35)'),
      '5 answers to no row ("35", "36", "37", …)',
    ],
    [
      'an id that is answered twice',
      ANSWERS.replace('select i as', 'select case when i = 9 then 8 else i end as'),
      LABELS,
      '1 id more than once in answers.csv ("8"); 1 row without an answer ("9")',
    ],
    [
      'an id that is two rows',
      ANSWERS,
      LABELS.replace('select i as', 'select case when i = 1 then 0 else i end as'),
      '1 id more than once in test.parquet ("0"); 1 answer to no row ("1")',
    ],
    [
      'rows without an id',
      ANSWERS,
      LABELS.replace('select i as', 'select case when i < 2 then null else i end as'),
      '2 rows of test.parquet without image; 2 answers to no row ("0", "1")',
    ],
    [
      'ids that are written otherwise',
      ANSWERS.replace('select i as', "select concat('i', i) as"),
      LABELS,
      ' (BIGINT there, VARCHAR here): 40 rows without an answer ("0", "1", "2", …); 40 answers to no row ("i0", "i23", "i6", …)',
    ],
  ])('are refused for %s', async (_, answers, labels, message) => {
    const { failure } = await joined(answers, labels)

    expect(failure?.message).toMatch(/^answers\.csv does not answer each row of test\.parquet once, by image/)
    expect(failure?.message).toContain(`${message}. Write one answer for each row.`)
  })

  test('are refused for a prediction that is missing, and for a label of the same name as an answer', async () => {
    const gap = ANSWERS.replace("'bad' else 'good'", "'bad' when i = 7 then null else 'good'")
    const named = { ...evaluation, slices: [], metrics: { own: { column: 'truth', better: 'higher' } } } as const

    expect((await joined(gap)).failure?.message).toBe(
      'answers.csv, by the rows of test.parquet: 1 of 40 rows have no usable value in "prediction", the first is row 8. Leave such rows out.',
    )
    expect(
      (await joined(`select *, 1.0 as truth from (${ANSWERS})`, LABELS, { evaluation: named })).failure?.message,
    ).toBe('"truth" of test.parquet has the name of a column of answers in answers.csv: rename one of them.')
  })
})

describe("a champion whose own run's code answered", () => {
  const evaluation = {
    source: { kind: 'predictions', path: 'test.parquet' },
    task: 'classification',
    label: 'truth',
    id: 'image',
    slices: ['half'],
    metrics: { dice: { column: 'overlap', better: 'higher' } },
  } as const
  /** The champion's: nine of ten rows right, overlaps of 0.7 on average. */
  const SELECT = `select 'img' || i as image, case when i % 2 = 0 then 'cat' else 'dog' end as truth,
    case when (i % 2 = 0) = (i % 10 <> 0) then 'cat' else 'dog' end as prediction,
    score as score_cat, 1 - score as score_dog, 0.5 + 0.4 * score as overlap, i % 2 as half
    from (select i, ((i * 37) % 101) / 100.0 as score from range(202) t(i))`
  const DICE = { kind: 'champion', name: 'dice-vs-champion', metric: 'dice', confidence: 0.95, minRows: 1 } as const

  async function answered(select: string, input: Partial<EvaluateInput> = {}) {
    return evaluate({ evaluation, slices: ['half'], metrics: ['dice'], ...input }, select)
  }

  async function versionOf(select: string, input: Partial<EvaluateInput> = {}) {
    const { result } = await answered(select, input)
    return { ...two, version: 3, answers: result!.outcomes.digest }
  }

  async function verdicts(evaluated: EvaluateInput['champion'], select: string, margins: readonly number[]) {
    const { result, context } = await answered(select, { champion: evaluated! })
    const gates = margins.map((margin) => ({ ...DICE, margin }))
    const output = await createGateTask({ openHost: () => Promise.reject(new Error('nothing is asked')) }).run(
      { run: 'digits#7', gates, waivers: [], evaluation: result! },
      context,
    )
    return { result: result!, context, gates: output.result!.gates }
  }

  test('is compared by pairs of ids, with every metric and without a host', async () => {
    const champion = await versionOf(SELECT)
    // Worse by 0.05 and a little more or less, in another order.
    const worse = SELECT.replace('0.5 + 0.4 * score', '0.45 + 0.4 * score + 0.01 * (i % 3 - 1)')

    const { result, context, gates } = await verdicts(
      champion,
      `${worse} order by (i * 7919) % 202`,
      [0.02, 0.051, 0.1],
    )

    expect(result.champion).toMatchObject({
      version: 3,
      metrics: {
        dice: { value: expect.closeTo(0.7, 2) as number },
        accuracy: { value: expect.closeTo(0.9, 2) as number },
      },
    })
    expect(gates.map(({ outcome }) => outcome)).toEqual(['fail', 'inconclusive', 'pass'])
    expect(gates[0]!.summary).toMatch(/^dice 0\.65\d against the champion's 0\.70\d: worse by 0\.05\d* \(95 % interval/)
    // By hand: a third of the rows is worse by 0.06, and these are named by their ids with both numbers.
    const { examples } = gates[0]!.evidence as { examples: { id: string; candidate: string; champion: string }[] }
    expect(examples).toHaveLength(10)
    for (const { id, candidate, champion: other } of examples) {
      expect(Number(id.replace('img', '')) % 3).toBe(0)
      expect(Number(other) - Number(candidate)).toBeCloseTo(0.06, 5)
    }
    expect(result.slices[0]!.champion!['dice']!.value).toBeCloseTo(0.7, 1)
    const outcomes = readOutcomes(await context.artifacts.read(result.outcomes.digest))
    expect(Array.from(outcomes.champion!.predicted)).toEqual(Array.from(outcomes.candidate.predicted))
    expect(Array.from(outcomes.champion!.scores!)).toEqual(Array.from(outcomes.candidate.scores!))
    expect(result.notes[0]).toContain('labels supplied by the author')
  })

  test.each([
    ['a row that it did not answer', SELECT.replace('range(202)', 'range(203)'), 'its run did not answer row "img202"'],
    [
      'rows that are left out',
      SELECT.replace('range(202)', 'range(200)'),
      'row "img200", which its run answered, is missing (and 1 more',
    ],
    [
      'another label',
      SELECT.replace('i % 2 = 0 then', 'i % 2 = 0 and i <> 4 then'),
      'row "img4" had another label when its run',
    ],
    ['an id that stands twice', SELECT.replace("'img' || i", "'img' || (i // 2)"), 'two rows have the id "img0"'],
  ])('is no evidence for %s', async (_, select, why) => {
    const champion = await versionOf(SELECT)

    const { result, gates } = await verdicts(champion, select, [0.02])

    expect(result.champion).toMatchObject({ failed: expect.stringContaining(why) as string })
    expect(gates[0]).toMatchObject({
      outcome: 'inconclusive',
      summary: expect.stringContaining(
        'the champion (version 3) could not be evaluated: its answers cannot be paired',
      ) as string,
    })
  })

  test('is no evidence where nothing of it is kept, rows have no ids, or the metric was another column', async () => {
    const without = await answered(SELECT, { champion: { ...two, version: 3 } })
    const { id: _, ...noId } = evaluation
    const unnamed = await versionOf(SELECT, { evaluation: noId })
    const kept = await versionOf(SELECT)
    const gone = { ...kept, answers: `sha256:${'0'.repeat(64)}` } as const
    const otherColumn = await versionOf(`select *, overlap as smooth from (${SELECT})`, {
      evaluation: { ...evaluation, metrics: { dice: { column: 'smooth', better: 'higher' } } },
    })

    const failed = async (champion: NonNullable<EvaluateInput['champion']>, more: Partial<EvaluateInput> = {}) =>
      (await answered(SELECT, { champion, ...more })).result!.champion
    const { gates } = await verdicts(otherColumn, SELECT, [0.02])

    expect(without.result!.champion).toMatchObject({
      failed: expect.stringContaining('no answers of its own run') as string,
    })
    expect(await failed(unnamed)).toMatchObject({ failed: expect.stringContaining('kept no ids') as string })
    expect(await failed(kept, { evaluation: noId })).toMatchObject({
      failed: expect.stringContaining('`evaluation.id`, which names no column') as string,
    })
    expect(await failed(gone)).toMatchObject({ failed: expect.any(String) as string })
    expect(gates[0]).toMatchObject({
      outcome: 'inconclusive',
      summary: 'dice cannot be compared: the champion: no dice was measured',
    })
  })

  test('of numbers is paired too', async () => {
    const numbers = { ...evaluation, task: 'regression', slices: [] } as const
    const select = 'select i as image, i * 1.5 as truth, i * 1.5 + 1 as prediction, 0.5 as overlap from range(60) t(i)'
    const champion = await versionOf(select, { evaluation: numbers, slices: [] })
    const shuffled = `${select.replace('+ 1 as', '+ 3 as')} order by (i * 37) % 60`

    const { result } = await answered(shuffled, { evaluation: numbers, slices: [], champion })
    const moved = await answered(select.replace('i * 1.5 as', 'i * 1.6 as'), {
      evaluation: numbers,
      slices: [],
      champion,
    })

    expect(result!.candidate.metrics['mae']!.value).toBe(3)
    expect(result!.champion).toMatchObject({ metrics: { mae: { value: 1 } } })
    expect(moved.result!.champion).toMatchObject({
      failed: expect.stringContaining('row "1" had another label') as string,
    })
  })
})

describe('gates', () => {
  const floor = { kind: 'absolute', name: 'accuracy', metric: 'accuracy', min: 0.85, minRows: 1 } as const
  const against = {
    kind: 'champion',
    name: 'accuracy-vs-champion',
    metric: 'accuracy',
    margin: 0.02,
    confidence: 0.95,
    minRows: 1,
  } as const

  async function gate(input: Partial<GateInput>) {
    const context = await place.context()
    return createGateTask({ openHost }).run(
      { run: 'digits#7', gates: [floor, against], waivers: [], ...input },
      context,
    )
  }

  test('hold for a first model, and stop one that is worse than the champion', async () => {
    const first = await evaluate({})
    const worse = await evaluate({ candidate: two, champion: { ...one, version: 1 } })

    const passed = await gate({ evaluation: first.result! })
    const stopped = await gate({ evaluation: worse.result! })

    expect(passed.failure).toBeUndefined()
    expect(passed.result!.gates.map(({ outcome }) => outcome)).toEqual(['pass', 'not-applicable'])
    expect(stopped.failure?.reason).toBe('refused')
    expect(stopped.failure?.message).toMatch(
      /gate accuracy failed: accuracy 0\.100 .*gate accuracy-vs-champion failed: .*worse by 0\.800/,
    )
  })

  test('that cannot tell say how a person lets them through, and then do', async () => {
    const same = await evaluate({ champion: { ...one, version: 1 } })

    const open = await gate({ evaluation: same.result! })
    const waived = await gate({
      evaluation: same.result!,
      waivers: [{ gate: 'accuracy-vs-champion', person: 'lead', reason: 'looked at it' }],
    })

    expect(open.failure?.message).toContain('tidegate waive digits#7 accuracy-vs-champion --reason')
    expect(waived.failure).toBeUndefined()
    expect(waived.result!.gates[1]).toMatchObject({ outcome: 'inconclusive', waiver: { person: 'lead' } })
  })

  test('that fail cannot be waived away', async () => {
    const { result } = await evaluate({ candidate: two })

    const output = await gate({
      evaluation: result!,
      waivers: [{ gate: 'accuracy', person: 'lead', reason: 'please' }],
    })

    expect(output.failure?.message).toContain('gate accuracy failed')
  })

  test.each(DATABASES)('are rows with an event, and can be waived once, on %s', async (kind) => {
    await using test = await openTestDatabase(kind)
    const { database } = test
    const of = { runId: 'digits#7', project: 'digits' }
    const decision = (title: string, outcome: 'pass' | 'inconclusive') => ({
      title,
      spec: floor,
      outcome,
      summary: 's',
      evidence: { n: 1 },
    })
    const waive = (name: string) =>
      database
        .write((writer) => waiveGate(writer, kind, of, { gate: name, person: 'lead', reason: 'fine' }))
        .catch((error: unknown) => error)

    await database.write((writer) =>
      recordGates(writer, kind, of, [decision('a', 'pass'), decision('b', 'inconclusive')]),
    )
    await waive('b')

    expect(isAppError(await waive('a'), 'STATE_CONFLICT')).toBe(true)
    expect(isAppError(await waive('b'), 'STATE_CONFLICT')).toBe(true)
    expect(isAppError(await waive('c'), 'NOT_FOUND')).toBe(true)
    expect((await listGates(database.read, 'digits#7')).map(({ title, waivedBy }) => [title, waivedBy])).toEqual([
      ['a', null],
      ['b', 'lead'],
    ])
    expect(await listWaivers(database.read, 'digits#7')).toEqual([{ gate: 'b', person: 'lead', reason: 'fine' }])
    expect((await readEvents(database.read, 0, 10)).map((event) => event.kind)).toEqual([
      'gate.decided',
      'gate.decided',
      'gate.waived',
    ])
  })
})

test('all columns of a stretch are read in one query, and of those that fill a tensor each the wrong one is named', async () => {
  await using analytics = await openAnalytics()
  await analytics.use(async (connection) => {
    await connection.run(
      `create temp table held_out as select i as "${ROW}", i / 2 as a, 'row ' || i as city, i > 1 as ok from range(1, 4) t(i)`,
    )
    const wanted = [
      { columns: ['a'], datatype: 'FP64' },
      { columns: ['city', 'a'], datatype: 'BYTES' },
      { columns: ['ok'], datatype: 'BOOL' },
    ] as const
    const stretch = { from: 1, count: 2 }

    expect(await readCells(connection, wanted, stretch)).toEqual([
      [[1, 1.5]],
      [
        ['row 2', 'row 3'],
        ['1.0', '1.5'],
      ],
      [[true, true]],
    ])
    const wrong = [...wanted, { columns: ['city'], datatype: 'FP64' } as const]
    await expect(readCells(connection, wrong, stretch)).rejects.toThrow(/^city: .*row 2/)
  })
})
