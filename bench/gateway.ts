import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import type { BundleManifest } from '../src/core/bundle.ts'
import { startGateway } from '../src/serving/gateway-process.ts'
import { answer, type BenchOptions, type BenchRow, type Question } from './bench-row.ts'

interface Figures {
  readonly perSecond: number
  readonly cpuMicros: number
  readonly p99Ms: number
}

interface Place {
  readonly origin: string
  readonly path: string
  readonly pids: readonly number[]
}

const MODEL = fileURLToPath(new URL('../tests/serving/models/one.onnx', import.meta.url))
const PEER = fileURLToPath(new URL('./gateway-peer.ts', import.meta.url))
const CONNECTIONS = 32
const ROUNDS = 3
const WARM_UP_MS = 1_500
const ROUND_MS = 4_000
const PACED_PER_SECOND = 500
const BODY = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [0.1, 0.2, 0.3, 0.4] }] })

/**
 * Requests/s and CPU per request at full load, p99 at a steady 500 requests/s; gateway, model host and
 * prediction log on our side, bare ONNX Runtime behind `node:http` on the other, taking turns.
 */
export async function benchGateway({ quick }: BenchOptions): Promise<BenchRow[]> {
  await using stack = new AsyncDisposableStack()
  const ours = await startOurs(stack)
  const peer = await startPeer(stack)
  for (const place of [ours, peer]) await saturate(place, WARM_UP_MS)
  const rounds: [Figures, Figures][] = []
  for (let round = 0; round < (quick ? 1 : ROUNDS); round++) rounds.push([await measure(ours), await measure(peer)])
  return [
    row(
      { what: 'requests per second that 32 connections get, beside their client', unit: '1/s' },
      rounds.map((pair) => pair.map(({ perSecond }) => perSecond)),
    ),
    row(
      {
        what: 'CPU per request, all its processes',
        unit: 'µs',
        budget: { says: '> 5,000 requests/s per core: < 200 µs', isMet: (micros) => micros < 200 },
      },
      rounds.map((pair) => pair.map(({ cpuMicros }) => cpuMicros)),
    ),
    row(
      {
        what: 'p99 at 500 requests/s',
        unit: 'ms',
        budget: { says: 'adds < 1 ms', isMet: (ms, peer) => ms - peer < 1 },
      },
      rounds.map((pair) => pair.map(({ p99Ms }) => p99Ms)),
    ),
  ]
}

async function measure(place: Place): Promise<Figures> {
  const { perSecond, cpuMicros } = await saturate(place, ROUND_MS)
  return { perSecond, cpuMicros, p99Ms: await pace(place) }
}

/** As many requests as 32 connections carry. */
async function saturate(place: Place, ms: number): Promise<{ perSecond: number; cpuMicros: number }> {
  await using stack = new AsyncDisposableStack()
  const pool = openPool(stack, place)
  const cpuBefore = cpuMicrosOf(place.pids)
  const started = performance.now()
  let count = 0
  const client = async (): Promise<void> => {
    while (performance.now() - started < ms) {
      await ask(pool, place)
      count++
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, client))
  const seconds = (performance.now() - started) / 1_000
  return { perSecond: count / seconds, cpuMicros: (cpuMicrosOf(place.pids) - cpuBefore) / count }
}

/** The 99th percentile of requests sent at their due time, whether or not the earlier ones are answered. */
async function pace(place: Place): Promise<number> {
  await using stack = new AsyncDisposableStack()
  const pool = openPool(stack, place)
  const latencies: number[] = []
  const asked: Promise<void>[] = []
  const started = performance.now()
  while (performance.now() - started < ROUND_MS) {
    const due = started + (asked.length * 1_000) / PACED_PER_SECOND
    if (performance.now() < due) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      continue
    }
    asked.push(ask(pool, place).then(() => void latencies.push(performance.now() - due)))
  }
  await Promise.all(asked)
  latencies.sort((a, b) => a - b)
  return latencies[Math.floor(latencies.length * 0.99)] ?? 0
}

function openPool(stack: AsyncDisposableStack, place: Place): Pool {
  return stack.adopt(new Pool(place.origin, { connections: CONNECTIONS, pipelining: 1 }), (pool) => pool.close())
}

async function ask(pool: Pool, place: Place): Promise<void> {
  const { statusCode, body } = await pool.request({ method: 'POST', path: place.path, body: BODY })
  await body.arrayBuffer()
  if (statusCode !== 200) throw new Error(`${place.origin}${place.path} answered ${statusCode}`)
}

async function startOurs(stack: AsyncDisposableStack): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-bench-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const gateway = await startGateway({ folder, host: '127.0.0.1', port: 0 })
  stack.defer(() => gateway.stop())
  const manifest: BundleManifest = {
    version: 1,
    name: 'one',
    files: { kind: 'file', digest: 'sha256:', size: 0 },
    modelPath: MODEL,
    runtime: { kind: 'onnx' },
    signature: {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
      outputs: [
        { name: 'label', datatype: 'INT64', shape: [-1] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
      ],
      columns: { x: ['a', 'b', 'c', 'd'] },
      answer: { prediction: 'label', scores: 'probabilities' },
    },
  }
  await gateway.postRoutes({
    revision: 1,
    hosts: [{ id: 'h', bundle: 'sha256:', manifest, folder: '/', memoryBytes: 1 << 30, env: {} }],
    routes: [
      {
        project: 'bench',
        environment: 'production',
        model: 'm',
        arms: [{ arm: 'champion', host: 'h', version: '1', weight: 1 }],
        epoch: 'e',
        routeBy: 'request',
        salt: 's',
        log: { inputs: 'all', drop: [], sample: 1 },
      },
    ],
  })
  await gateway.untilReady(['h'], 30_000)
  const { hosts } = await gateway.status()
  return {
    origin: gateway.address,
    path: '/bench/production/v2/models/m/infer',
    pids: [gateway.pid, ...hosts.flatMap(({ pid }) => pid ?? [])],
  }
}

async function startPeer(stack: AsyncDisposableStack): Promise<Place> {
  const child = spawn(process.execPath, [PEER, MODEL], { stdio: ['ignore', 'pipe', 'inherit'] })
  stack.defer(() => void child.kill('SIGKILL'))
  const port = await new Promise<string>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())),
  )
  return { origin: `http://127.0.0.1:${port}`, path: '/', pids: [child.pid ?? 0] }
}

/** User and system time, fields 14 and 15 of /proc/<pid>/stat, in ticks of 10 ms. */
function cpuMicrosOf(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks * 10_000
}

function row(question: Omit<Question, 'statistic' | 'peerIs'>, rounds: readonly number[][]): BenchRow {
  return answer(
    { statistic: 'median', peerIs: 'ONNX Runtime behind node:http, one process', ...question },
    { ours: rounds.map(([ours = 0]) => ours), peer: rounds.map(([, peer = 0]) => peer) },
  )
}
