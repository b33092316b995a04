import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { modelUser } from '../../src/core/model-user.ts'
import type { RuntimeSpec, Signature } from '../../src/core/bundle.ts'
import type { Tensor } from '../../src/core/ports/runtime.ts'
import { inspectModel } from '../../src/serving/model-host/inspect-model.ts'
import { openHost } from '../../src/serving/model-host/open-host.ts'
import { pythonBin } from './python-environment.ts'
import { hostSpec, MODELS, PYTHON_MODELS } from './serving-place.ts'

const ONNX: RuntimeSpec = { kind: 'onnx' }
const KNOWN_TO_PROGRAMS = ['HOME', 'LANG', 'LOGNAME', 'PATH', 'PORT', 'TIDEGATE_HOST', 'TMPDIR', 'USER']
const SERVE: RuntimeSpec = {
  kind: 'serve',
  run: 'python serve.py',
  readyPath: '/v2/health/ready',
  readyTimeoutMs: 20_000,
  path: [],
}
const X: Tensor = { name: 'x', datatype: 'FP32', shape: [2, 4], data: Float32Array.of(1, 2, 3, 4, 4, 3, 2, 1) }

function predictClass(name: string): RuntimeSpec {
  return { kind: 'predict', entry: `adder.py:${name}`, python: 'python3' }
}

test('a host answers what the model computes, and tells what the model takes', async () => {
  await using host = await openHost(hostSpec('h', 'one'))

  const [label, probabilities] = await host.predict([X])

  expect(host.inputs).toEqual([{ name: 'x', datatype: 'FP32', shape: [-1, 4] }])
  expect(label).toEqual({ name: 'label', datatype: 'INT64', shape: [2], data: BigInt64Array.of(1n, 0n) })
  expect(probabilities?.data[1]).toBeCloseTo(1 / (1 + Math.exp(-4)), 6)
})

test('every datatype goes through an ONNX model and comes back whole', async () => {
  const tensors: Tensor[] = [
    { name: 'bool', datatype: 'BOOL', shape: [2], data: Uint8Array.of(1, 0) },
    { name: 'uint8', datatype: 'UINT8', shape: [2], data: Uint8Array.of(0, 255) },
    { name: 'uint16', datatype: 'UINT16', shape: [2], data: Uint16Array.of(0, 65_535) },
    { name: 'uint32', datatype: 'UINT32', shape: [2], data: Uint32Array.of(0, 4_294_967_295) },
    { name: 'uint64', datatype: 'UINT64', shape: [2], data: BigUint64Array.of(0n, 2n ** 64n - 1n) },
    { name: 'int8', datatype: 'INT8', shape: [2], data: Int8Array.of(-128, 127) },
    { name: 'int16', datatype: 'INT16', shape: [2], data: Int16Array.of(-32_768, 32_767) },
    { name: 'int32', datatype: 'INT32', shape: [2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
    { name: 'int64', datatype: 'INT64', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 9_007_199_254_740_993n) },
    { name: 'fp16', datatype: 'FP16', shape: [2], data: Float16Array.of(0.5, -65_504) },
    { name: 'fp32', datatype: 'FP32', shape: [2], data: Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY) },
    { name: 'fp64', datatype: 'FP64', shape: [2], data: Float64Array.of(0.1, 1e300) },
    { name: 'bytes', datatype: 'BYTES', shape: [2], data: ['grün', ''] },
  ]
  await using host = await openHost(hostSpec('h', 'every-type'))

  const outputs = await host.predict(tensors)

  expect(outputs).toEqual(tensors.map((tensor) => ({ ...tensor, name: `${tensor.name}_out` })))
})

test('a file that is no model is refused with its name', async () => {
  await expect(inspectModel(MODELS, 'not-a-model.onnx', ONNX)).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('not-a-model.onnx does not load as an ONNX model'),
  })
})

test('a model that never finishes loading is refused when its time is up', async () => {
  await expect(inspectModel(MODELS, 'hangs-in-load.onnx', ONNX, { startMs: 1_500 })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('did not load within 1.5 s'),
  })
})

test('a model that eats memory while it loads is refused with the limit', async () => {
  await expect(
    inspectModel(MODELS, 'eats-memory-in-load.onnx', ONNX, { memoryBytes: 512 << 20 }),
  ).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringMatching(/used \d+ MiB of memory; its limit is 512 MiB/),
  })
})

test('a request for more memory than there may be fails alone, and the host goes on', async () => {
  await using host = await openHost(hostSpec('h', 'eats-memory-in-run'))
  const size = (count: bigint): Tensor[] => [
    { name: 'size', datatype: 'INT64', shape: [1], data: BigInt64Array.of(count) },
  ]

  await expect(host.predict(size(100_000_000_000n))).rejects.toMatchObject({
    code: 'UPSTREAM',
    details: { reason: 'model' },
  })

  const [sum] = await host.predict(size(10n))
  expect(sum?.data).toEqual(Float32Array.of(10))
})

test('a host whose model uses more memory than its limit dies with that reason', async () => {
  await using host = await openHost(hostSpec('h', 'eats-memory-in-run', { memoryBytes: 300 << 20 }))
  const hungry: Tensor[] = [{ name: 'size', datatype: 'INT64', shape: [1], data: BigInt64Array.of(120_000_000n) }]

  const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => host.predict(hungry)))

  expect(attempts.at(-1)).toMatchObject({
    status: 'rejected',
    reason: { code: 'UPSTREAM', details: { reason: 'died' } },
  })
  expect(await host.died).toMatch(/used \d+ MiB of memory; its limit is 300 MiB/)
})

test('a host whose model hangs dies with that reason, and its requests hear of it', async () => {
  await using host = await openHost(hostSpec('h', 'hangs-in-run'), { inferMs: 500 })
  const rounds = (count: bigint): Tensor[] => [
    { name: 'x', datatype: 'FP32', shape: [1], data: Float32Array.of(1) },
    { name: 'rounds', datatype: 'INT64', shape: [], data: BigInt64Array.of(count) },
  ]
  const [quick] = await host.predict(rounds(3n))

  const endless = host.predict(rounds(2n ** 62n))

  await expect(endless).rejects.toMatchObject({ code: 'UPSTREAM', details: { reason: 'timeout' } })
  expect(await host.died).toContain('did not answer within 0.5 s')
  expect(quick?.data).toEqual(Float32Array.of(1))
})

test('an error of the model is its own, and the next request is answered', async () => {
  await using host = await openHost(hostSpec('h', 'divides'))
  const row = (value: bigint): Tensor[] => [
    { name: 'x', datatype: 'INT64', shape: [1, 4], data: BigInt64Array.of(value, value, value, value) },
  ]

  await expect(host.predict(row(0n))).rejects.toThrow(/Integer division by zero/)

  expect((await host.predict(row(8n)))[0]?.shape).toEqual([1, 4])
})

test('a Python class is given the table its columns name, and its answer becomes tensors', async () => {
  await using host = await openAdder()

  const outputs = await host.predict([
    { name: 'ab', datatype: 'FP64', shape: [2, 2], data: Float64Array.of(1, 2, 10, 20) },
  ])

  expect(outputs).toEqual([
    { name: 'total', datatype: 'FP64', shape: [2], data: Float64Array.of(4, 31) },
    { name: 'kind', datatype: 'BYTES', shape: [2], data: ['small', 'big'] },
  ])
})

test('an exception of a Python class is told, and one that ends the process kills its host', async () => {
  await using host = await openAdder()
  const a = (value: number): Tensor[] => [
    { name: 'ab', datatype: 'FP64', shape: [1, 2], data: Float64Array.of(value, 0) },
  ]

  await expect(host.predict(a(-1))).rejects.toThrow('ValueError: a is negative')
  await expect(host.predict(a(-5_000))).rejects.toMatchObject({ code: 'UPSTREAM' })

  expect(await host.died).toContain('exit code 7')
})

test("a model's program writes in a folder of its own, and where we are root it reads nothing of ours", async () => {
  const place = mkdtempSync(join(tmpdir(), 'tidegate-curious-'))
  const [data, bundle] = [join(place, 'data'), join(place, 'data/bundles/one')]
  mkdirSync(bundle, { recursive: true })
  cpSync(PYTHON_MODELS, bundle, { recursive: true })
  mkdirSync(join(data, 'keys'), { mode: 0o700 })
  writeFileSync(join(data, 'state.db'), 'rows', { mode: 0o600 })
  const ours = [join(data, 'state.db'), join(data, 'keys'), data, '/proc/1/environ']
  writeFileSync(join(bundle, 'paths.json'), JSON.stringify([...ours, join(bundle, 'adder.json')]))
  for (const folder of [place, data]) chmodSync(folder, 0o711)
  const signature: Signature = {
    inputs: [{ name: 'a', datatype: 'FP64', shape: [-1] }],
    outputs: [{ name: 'told', datatype: 'BYTES', shape: [1] }],
    columns: { a: ['a'] },
    answer: { prediction: 'told' },
  }
  const spec = { folder: bundle, env: await pythonEnv(), runtime: predictClass('Curious'), signature }
  const host = await openHost(hostSpec('h', 'adder.json', spec))

  const [told] = await host.predict([{ name: 'a', datatype: 'FP64', shape: [1], data: Float64Array.of(1) }])
  await host.close()

  const { uid, env, read } = JSON.parse(String(told?.data[0])) as Told
  expect(uid).toBe(modelUser(bundle)?.uid ?? process.getuid?.())
  expect(read).toMatchObject({
    ...(modelUser(bundle) && Object.fromEntries(ours.map((path) => [path, 'PermissionError']))),
    [join(bundle, 'adder.json')]: readFileSync(join(bundle, 'adder.json')).length,
  })
  expect(Object.keys(env).sort()).toEqual(KNOWN_TO_PROGRAMS)
  expect(env.HOME).toBe(env.TMPDIR)
  expect(readdirSync(tmpdir()).map((name) => join(tmpdir(), name))).not.toContain(env.HOME)
  rmSync(place, { recursive: true })
})

interface Told {
  readonly uid: number
  readonly env: { readonly HOME: string; readonly TMPDIR: string }
  readonly read: Readonly<Record<string, number | string>>
}

test('a model whose build environment was removed says so, and what brings it back', async () => {
  const env = { ...(await pythonEnv()), VIRTUAL_ENV: '/var/lib/tidegate/environments/none' }

  await expect(inspectModel(PYTHON_MODELS, 'adder.json', predictClass('Adder'), { env })).rejects.toThrow(
    'its build environment /var/lib/tidegate/environments/none is gone; rerun',
  )
})

test('a Python class that does not load says why, and one that never does is ended with its process', async () => {
  const env = await pythonEnv()

  await expect(inspectModel(PYTHON_MODELS, 'adder.json', predictClass('Broken'), { env })).rejects.toThrow(
    'adder.py:Broken does not load: RuntimeError: no weights here',
  )
  await expect(
    inspectModel(PYTHON_MODELS, 'adder.json', predictClass('Slow'), { env, startMs: 2_000 }),
  ).rejects.toThrow('did not load within 2 s')

  await expect.poll(() => programsWith('adder.py:Slow')).toEqual([])
})

test('a program of the author is asked what it takes, answers, and ends with its host', async () => {
  const runtime = { ...SERVE, run: 'exec python serve.py' }
  const host = await openHost(hostSpec('h', 'doubler', { folder: PYTHON_MODELS, env: await pythonEnv(), runtime }))

  const [y] = await host.predict([{ name: 'x', datatype: 'FP64', shape: [2], data: Float64Array.of(1.5, 2) }])
  await expect(host.predict([{ name: 'x', datatype: 'FP64', shape: [1], data: Float64Array.of(-1) }])).rejects.toThrow(
    'x is negative',
  )
  process.kill(host.pid, 'SIGKILL')

  expect(host.inputs).toEqual([{ name: 'x', datatype: 'FP64', shape: [-1] }])
  expect(y?.data).toEqual(Float64Array.of(3, 4))
  expect(await host.died).toContain('killed by SIGKILL')
  await expect.poll(() => markedWith(`task:h:`)).toEqual([])
})

test('of a page that a program answers with as an error its words are told, and that it prints more', async () => {
  const runtime = { ...SERVE, run: 'exec python serve.py' }
  await using host = await openHost(
    hostSpec('h', 'doubler', { folder: PYTHON_MODELS, env: await pythonEnv(), runtime }),
  )

  const asked = host.predict([{ name: 'x', datatype: 'FP64', shape: [1], data: Float64Array.of(0) }])

  await expect(asked).rejects.toThrow(/it answered with status 500 \([^<>]+\); why may stand in what it prints$/)
})

test('a program that ends instead of serving is refused with its last words', async () => {
  const runtime = { ...SERVE, run: 'echo no such weights >&2; exit 3' }

  await expect(inspectModel(PYTHON_MODELS, 'serve.py', runtime, { env: await pythonEnv() })).rejects.toThrow(
    'exit code 3: no such weights',
  )
})

test('what is under way when a host is killed is rejected, and nothing waits for ever', async () => {
  await using host = await openHost(hostSpec('h', 'one'))
  process.kill(host.pid, 'SIGKILL')

  const answers = await Promise.allSettled([host.predict([X]), host.died.then(() => host.predict([X]))])

  expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'rejected'])
})

test('a host ends when its parent does', async () => {
  const { pid, stdout } = await startParent()
  const host = Number(await stdout)
  process.kill(pid, 'SIGKILL')

  await expect.poll(() => isAlive(host), { timeout: 10_000 }).toBe(false)
})

async function openAdder(): ReturnType<typeof openHost> {
  const signature: Signature = {
    inputs: [{ name: 'ab', datatype: 'FP64', shape: [-1, 2] }],
    outputs: [
      { name: 'total', datatype: 'FP64', shape: [-1] },
      { name: 'kind', datatype: 'BYTES', shape: [-1] },
    ],
    columns: { ab: ['a', 'b'] },
    answer: { prediction: 'kind' },
  }
  return await openHost(
    hostSpec('h', 'adder.json', {
      folder: PYTHON_MODELS,
      env: await pythonEnv(),
      runtime: predictClass('Adder'),
      signature,
    }),
  )
}

async function pythonEnv(): Promise<Record<string, string>> {
  return { PATH: `${await pythonBin()}:/usr/bin:/bin`, LANG: 'C.UTF-8' }
}

async function startParent(): Promise<{ pid: number; stdout: Promise<string> }> {
  const { spawn } = await import('node:child_process')
  const script = `
    const { openHost } = await import(${JSON.stringify(new URL('../../src/serving/model-host/open-host.ts', import.meta.url).href)})
    const host = await openHost(${JSON.stringify(hostSpec('orphan', 'one'))})
    console.log(host.pid)
    await new Promise(() => setInterval(() => {}, 1000))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const stdout = new Promise<string>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(String(chunk))))
  return { pid: child.pid ?? 0, stdout }
}

function programsWith(text: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && read(`/proc/${pid}/environ`).includes(text))
}

function markedWith(mark: string): string[] {
  return programsWith(`TIDEGATE_HOST=${mark}`)
}

function isAlive(pid: number): boolean {
  return read(`/proc/${pid}/cmdline`) !== ''
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
