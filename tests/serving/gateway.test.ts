import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DATATYPES, type Signature } from '../../src/core/bundle.ts'
import { arm, ask, hostSpec, openTestGateway, putRoutes, QUESTION, route, type TestGateway } from './serving-place.ts'

const EVERY_TYPE: Signature = {
  inputs: DATATYPES.map((datatype) => ({ name: datatype.toLowerCase(), datatype, shape: [-1] })),
  outputs: DATATYPES.map((datatype) => ({ name: `${datatype.toLowerCase()}_out`, datatype, shape: [-1] })),
  columns: {},
  answer: { prediction: 'int64_out' },
}
const LOGARITHM: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
  columns: {},
  answer: { prediction: 'y' },
}
const DIVIDES: Signature = {
  inputs: [{ name: 'x', datatype: 'INT64', shape: [-1, 4] }],
  outputs: [{ name: 'y', datatype: 'INT64', shape: [-1, 4] }],
  columns: {},
  answer: { prediction: 'y' },
}

let gateway: TestGateway
let base: string

beforeAll(async () => {
  gateway = await openTestGateway()
  base = gateway.base
  const hosts = [
    hostSpec('one', 'one'),
    hostSpec('types', 'every-type', { signature: EVERY_TYPE }),
    hostSpec('log', 'logarithm', { signature: LOGARITHM }),
    hostSpec('div', 'divides', { signature: DIVIDES }),
  ]
  const secret = createHash('sha256').update('let-me-in').digest('hex')
  await putRoutes(gateway, hosts, [
    route([arm('champion', 'one', '7', 1)]),
    route([arm('champion', 'types', '1', 1)], { model: 'types' }),
    route([arm('champion', 'log', '1', 1)], { model: 'log' }),
    route([arm('champion', 'div', '1', 1)], { model: 'div' }),
    route([arm('champion', 'one', '7', 1)], { environment: 'closed', tokenSha256: secret }),
  ])
})

afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
})

test('a prediction is answered with its version, arm and an id that sorts by time', async () => {
  const response = await ask(base)

  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(response.headers.get('tidegate-version')).toBe('7')
  expect(response.headers.get('tidegate-arm')).toBe('champion')
  expect(response.headers.get('tidegate-prediction-id')).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  )
  const { id, ...body } = (await response.json()) as Record<string, unknown>
  expect(id).toBe(response.headers.get('tidegate-prediction-id'))
  expect(body).toMatchObject({
    model_name: 'm',
    model_version: '7',
    outputs: [
      { name: 'label', datatype: 'INT64', shape: [1], data: [1] },
      { name: 'probabilities', datatype: 'FP32', shape: [1, 2] },
    ],
  })
})

test("the client's own ids come back: of the request in the header, of the question in the body", async () => {
  const sane = await ask(base, { ...QUESTION, id: 'q-1' }, { 'x-request-id': 'order:4711' })
  const insane = await ask(base, QUESTION, { 'x-request-id': 'a b<script>' })

  expect(sane.headers.get('tidegate-prediction-id')).toBe('order:4711')
  expect(await sane.json()).toMatchObject({ id: 'q-1' })
  expect(insane.headers.get('tidegate-prediction-id')).not.toContain('script')
})

test('health and metadata say what each kind of client looks for', async () => {
  expect(await get('/v2/health/live')).toEqual([200, { live: true }])
  expect(await get('/v2/health/ready')).toEqual([200, { live: true, ready: true }])
  expect(await get('/v2')).toMatchObject([200, { name: 'tidegate', extensions: ['binary_tensor_data'] }])
  expect(await get('/v2/models/m/ready')).toEqual([200, { name: 'm', ready: true }])
  expect(await get('/v2/models/m/versions/7/ready')).toEqual([200, { name: 'm', ready: true }])
  expect(await get('/v2/models/m')).toMatchObject([
    200,
    {
      name: 'm',
      versions: ['7'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
    },
  ])
})

test('what is not there is a 404 that says so, and a wrong method a 405', async () => {
  for (const path of ['/v2/models/unknown', '/v2/models/m/versions/8', '/v2/models/m/stats', '/v2/nothing', '/v3']) {
    expect(await get(path)).toEqual([404, { error: expect.any(String) }])
  }
  expect((await fetch(`${gateway.control.address}/shop/nowhere/v2/health/live`)).status).toBe(404)
  expect(await get('/v2/models/m/infer')).toEqual([405, { error: expect.stringContaining('POST') }])
})

test('a request that does not fit the model is a 400 that names what does not', async () => {
  const [x] = QUESTION.inputs
  const wrong: [unknown, string][] = [
    [{ inputs: [] }, '"inputs" must be a list'],
    [{ inputs: [{ ...x, name: 'z' }] }, 'the model has no input "z"; it has "x"'],
    [{ inputs: [x, x] }, 'input "x" is there twice'],
    [{ inputs: [{ ...x, datatype: 'FP64' }] }, 'input "x" is FP64, but the model takes FP32'],
    [{ inputs: [{ ...x, datatype: 'FLOAT' }] }, 'which is none'],
    [{ inputs: [{ ...x, shape: [4] }] }, 'has shape [4], but the model takes [-1,4]'],
    [{ inputs: [{ ...x, shape: [-1, 4] }] }, 'which is none'],
    [{ inputs: [{ ...x, shape: [2 ** 40, 2 ** 40] }] }, 'which is none'],
    [{ inputs: [{ ...x, data: [1, 2, 3] }] }, '"x" has 3 elements, but its shape needs 4'],
    [{ inputs: [{ ...x, data: [1, 2, 3, 'four'] }] }, '"x" has "four", which is not a value of FP32'],
    [{ ...QUESTION, outputs: [{ name: 'z' }] }, 'the model has no output "z"'],
    [[], 'not a JSON object'],
  ]
  for (const [body, message] of wrong) {
    const response = await ask(base, body)
    expect([response.status, await response.json()]).toEqual([400, { error: expect.stringContaining(message) }])
  }
  const nan = await post(
    '/v2/models/m/infer',
    '{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[NaN,1,1,1]}]}',
  )
  expect([nan.status, await nan.json()]).toEqual([400, { error: expect.stringContaining('JSON has no NaN') }])
})

test('integers that JSON would change silently are refused, and those of an answer keep their digits', async () => {
  const refused = await post(
    '/v2/models/div/infer',
    '{"inputs":[{"name":"x","shape":[1,4],"datatype":"INT64","data":[9007199254740993,1,1,1]}]}',
  )
  const big = BigInt64Array.of(9_007_199_254_740_993n)
  const kept = await binary('/v2/models/types/infer', everyType({ int64: Buffer.from(big.buffer) }), {
    outputs: [{ name: 'int64_out' }],
  })

  expect([refused.status, await refused.json()]).toEqual([
    400,
    { error: expect.stringContaining('binary tensor data') },
  ])
  expect(await kept.text()).toContain('"data":[9007199254740993]')
})

test('tensors in binary form go in and out, beside JSON ones', async () => {
  const request = { outputs: [{ name: 'fp16_out', parameters: { binary_data: true } }, { name: 'bytes_out' }] }

  const response = await binary(
    '/v2/models/types/infer',
    everyType({ fp16: Buffer.from(Float16Array.of(1.5).buffer) }),
    request,
  )

  const [json, raw] = await split(response)
  expect(response.headers.get('content-type')).toBe('application/octet-stream')
  expect(json).toMatchObject({
    outputs: [
      { name: 'fp16_out', parameters: { binary_data_size: 2 } },
      { name: 'bytes_out', data: ['é'] },
    ],
  })
  expect(raw).toEqual(Buffer.from(Float16Array.of(1.5).buffer))
})

test('a body without any JSON is the only input', async () => {
  const body = Buffer.from(Float32Array.of(1, 2, 3, 4, 4, 3, 2, 1).buffer)

  const response = await fetch(`${base}/v2/models/m/infer`, {
    method: 'POST',
    body,
    headers: { 'inference-header-content-length': '0' },
  })

  const [json, raw] = await split(response)
  expect(json).toMatchObject({ outputs: [{ name: 'label', shape: [2] }, { name: 'probabilities' }] })
  expect(raw.subarray(0, 16)).toEqual(Buffer.from(BigInt64Array.of(1n, 0n).buffer))
})

test('binary sizes that lie are a 400', async () => {
  const x = { name: 'x', datatype: 'FP32', shape: [1, 4] }
  for (const [size, bytes] of [
    [16, 12],
    [12, 12],
    [8, 16],
    [-1, 16],
  ] as const) {
    const response = await binary('/v2/models/m/infer', [
      { about: { ...x, parameters: { binary_data_size: size } }, bytes: Buffer.alloc(bytes) },
    ])
    expect(response.status).toBe(400)
  }
})

test('compressed bodies are read, and one that unpacks past the limit is refused', async () => {
  const body = JSON.stringify(QUESTION)
  const bomb = gzipSync(Buffer.alloc(64 << 20, 32))

  const gzip = await post('/v2/models/m/infer', gzipSync(body), { 'content-encoding': 'gzip' })
  const deflate = await post('/v2/models/m/infer', deflateSync(body), { 'content-encoding': 'deflate' })
  const exploding = await post('/v2/models/m/infer', bomb, { 'content-encoding': 'gzip' })
  const broken = await post('/v2/models/m/infer', 'not gzip', { 'content-encoding': 'gzip' })

  expect([gzip.status, deflate.status, exploding.status, broken.status]).toEqual([200, 200, 413, 400])
})

test('a body of 1 GB is refused before it is read, announced or not, and the gateway stays small', async () => {
  const announced = await sendEndlessly(`Content-Length: ${1 << 30}\r\n`, 1 << 30)
  const chunked = await sendEndlessly('Transfer-Encoding: chunked\r\n', 1 << 30)

  expect(announced.answer).toContain('413')
  expect(announced.sent).toBeLessThan(64 << 20)
  expect(chunked.answer).toContain('413')
  expect(chunked.sent).toBeLessThan(128 << 20)
  expect((await ask(base)).status).toBe(200)
})

test("an answer that JSON cannot carry is the model's error, and can be had in binary form", async () => {
  const x = { name: 'x', shape: [1, 1], datatype: 'FP32', data: [-1] }

  const json = await post('/v2/models/log/infer', JSON.stringify({ inputs: [x] }))
  const raw = await post(
    '/v2/models/log/infer',
    JSON.stringify({ inputs: [x], parameters: { binary_data_output: true } }),
  )

  expect([json.status, await json.json()]).toEqual([
    500,
    { error: expect.stringContaining('output "y" of the model is NaN') },
  ])
  expect(raw.status).toBe(200)
  expect((await split(raw))[1].readFloatLE()).toBeNaN()
})

test("the model's own error is a 500 with its text, and counts; a client's does not", async () => {
  const x = (value: number): string =>
    JSON.stringify({ inputs: [{ name: 'x', shape: [1, 4], datatype: 'INT64', data: [value, value, value, value] }] })

  const failed = await post('/v2/models/div/infer', x(0))
  await post('/v2/models/div/infer', '{}')
  const fine = await post('/v2/models/div/infer', x(2))

  expect([failed.status, await failed.json()]).toEqual([
    500,
    { error: expect.stringContaining('Integer division by zero') },
  ])
  expect(failed.headers.get('tidegate-version')).toBe('1')
  expect(fine.status).toBe(200)
})

test('an endpoint with a token answers nobody else', async () => {
  const closed = `${gateway.control.address}/shop/closed`

  const none = await ask(closed)
  const wrong = await ask(closed, QUESTION, { authorization: 'Bearer let-me-inn' })
  const right = await ask(closed, QUESTION, { authorization: 'Bearer let-me-in' })

  expect([none.status, wrong.status, right.status]).toEqual([401, 401, 200])
  expect(await wrong.json()).toEqual({ error: expect.stringContaining('Authorization: Bearer') })
  expect((await fetch(`${closed}/v2/models/m`)).status).toBe(401)
})

async function get(path: string): Promise<[number, unknown]> {
  const response = await fetch(`${base}${path}`)
  return [response.status, await response.json()]
}

async function post(
  path: string,
  body: string | Buffer<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return await fetch(`${base}${path}`, { method: 'POST', body, headers })
}

interface RawTensor {
  readonly about: Record<string, unknown>
  readonly bytes: Buffer
}

async function binary(
  path: string,
  tensors: readonly RawTensor[],
  more: Record<string, unknown> = {},
): Promise<Response> {
  const json = Buffer.from(JSON.stringify({ ...more, inputs: tensors.map((tensor) => tensor.about) }))
  const headers = { 'inference-header-content-length': String(json.length) }
  return await post(path, Buffer.concat([json, ...tensors.map((tensor) => tensor.bytes)]), headers)
}

/** One element of each type: JSON, but for those given as bytes. */
function everyType(raw: Readonly<Record<string, Buffer>>): RawTensor[] {
  return DATATYPES.map((datatype) => {
    const name = datatype.toLowerCase()
    const bytes = raw[name]
    const data = datatype === 'BYTES' ? ['é'] : datatype === 'BOOL' ? [true] : [1]
    const about = { name, datatype, shape: [1] }
    return bytes === undefined
      ? { about: { ...about, data }, bytes: Buffer.alloc(0) }
      : { about: { ...about, parameters: { binary_data_size: bytes.length } }, bytes }
  })
}

async function split(response: Response): Promise<[unknown, Buffer]> {
  const body = Buffer.from(await response.arrayBuffer())
  const length = Number(response.headers.get('inference-header-content-length'))
  return [JSON.parse(body.toString('utf8', 0, length)), body.subarray(length)]
}

/** Writes a body for as long as the other side takes it. */
async function sendEndlessly(framing: string, total: number): Promise<{ answer: string; sent: number }> {
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname)
  const chunk = Buffer.alloc(1 << 20, 32)
  const framed = framing.startsWith('T')
    ? Buffer.concat([Buffer.from('100000\r\n'), chunk, Buffer.from('\r\n')])
    : chunk
  let answer = ''
  let sent = 0
  socket.on('data', (data) => (answer += data.toString()))
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.write(`POST /shop/production/v2/models/m/infer HTTP/1.1\r\nHost: x\r\n${framing}\r\n`)
  const pump = (): void => {
    while (sent < total && !socket.destroyed) {
      sent += chunk.length
      if (!socket.write(framed)) return void socket.once('drain', pump)
    }
  }
  pump()
  await closed
  return { answer, sent }
}
