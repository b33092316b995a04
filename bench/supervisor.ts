import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLocalExecutor } from '../src/drivers/executor/local/local-executor.ts'
import { bareSpawn } from './bare-spawn.ts'
import { answer, inTurns, timed, type BenchOptions, type BenchRow, type Question, type Turns } from './bench-row.ts'
import type { AttemptOrder, CompletionRecord, Executor } from '../src/core/ports/executor.ts'

const ROUNDS = 30
const LINES = 1_000_000

/** What supervision costs: an attempt of `true` against a bare spawn of it, and a log against a file. */
export async function benchSupervisor({ quick }: BenchOptions): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-bench-'))
  const rounds = quick ? 3 : ROUNDS
  try {
    return [
      await overhead(folder, { what: 'attempt with a spare supervisor, submit to record', spares: 1, rounds }),
      await overhead(folder, { what: 'attempt without a spare, submit to record', spares: 0, rounds }),
      await firstOutput(folder, rounds),
      await logThroughput(folder, quick ? 1 : 5),
    ]
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

async function overhead(
  folder: string,
  { what, spares, rounds }: { what: string; spares: number; rounds: number },
): Promise<BenchRow> {
  await using executor = openLocalExecutor({ folder: join(folder, 'executor'), spares })
  await runAttempt(executor, folder, 'true')
  return await compare(
    { what, peerIs: 'spawn sh -c true' },
    { rounds, ours: () => runAttempt(executor, folder, 'true'), peer: () => timed(() => bareSpawn(folder, 'true')) },
  )
}

async function firstOutput(folder: string, rounds: number): Promise<BenchRow> {
  await using executor = openLocalExecutor({ folder: join(folder, 'executor'), spares: 1 })
  return await compare(
    { what: 'submit to first line in the log, with a spare', peerIs: 'spawn sh -c echo, to its end' },
    {
      rounds,
      ours: () => untilFirstLine(executor, folder),
      peer: () => timed(() => bareSpawn(folder, 'echo first')),
    },
  )
}

async function logThroughput(folder: string, rounds: number): Promise<BenchRow> {
  await using executor = openLocalExecutor({ folder: join(folder, 'executor'), spares: 1 })
  const secrets = { TOKEN: 'correct-horse-battery-staple' }
  const print = `seq 1 ${LINES}`
  return await compare(
    {
      what: `log of ${LINES.toLocaleString('en')} lines, masked`,
      peerIs: `${print} > file`,
      budget: { says: '50,000 lines/s', isMet: (ms) => LINES / (ms / 1_000) > 50_000 },
    },
    {
      rounds,
      ours: () => runAttempt(executor, folder, print, secrets),
      peer: () => timed(() => bareSpawn(folder, print)),
    },
  )
}

/** The pause lets the next spare start. */
async function compare(question: Omit<Question, 'unit' | 'statistic'>, turns: Turns): Promise<BenchRow> {
  const peer = async () => {
    await sleep(300)
    return turns.peer()
  }
  return answer({ unit: 'ms', statistic: 'p95', ...question }, await inTurns({ ...turns, peer }))
}

let count = 0

function orderOf(folder: string, run: string, secretNames: readonly string[] = []): AttemptOrder {
  const name = String(count++)
  return {
    version: 1,
    attemptId: `bench#1/step/${name}`,
    attemptFolder: join(folder, 'attempts', name),
    workspace: join(folder, 'work', name),
    storeFolder: join(folder, 'store'),
    inputs: [],
    command: { kind: 'command', run },
    env: { PATH: '/usr/bin:/bin' },
    secretNames,
    outs: [],
    keep: [],
    timeoutMs: 60_000,
    graceMs: 1_000,
    logLimitBytes: 1 << 30,
  }
}

async function runAttempt(
  executor: Executor,
  folder: string,
  run: string,
  secrets: Record<string, string> = {},
): Promise<number> {
  return timed(async () => {
    const handle = await executor.submit(orderOf(folder, run, Object.keys(secrets)), secrets)
    const record = await untilEnded(executor, handle)
    if (record.outcome !== 'succeeded') throw new Error(record.message)
  })
}

async function untilEnded(executor: Executor, handle: string): Promise<CompletionRecord> {
  for (;;) {
    const seen = (await executor.observe([handle])).get(handle)
    if (seen?.kind === 'ended') return seen.record
    if (seen?.kind === 'gone') throw new Error(`${handle} is gone`)
    await sleep(1)
  }
}

async function untilFirstLine(executor: Executor, folder: string): Promise<number> {
  const order = orderOf(folder, 'echo first')
  const ms = await timed(async () => {
    await executor.submit(order, {})
    while ((await sizeOf(join(order.attemptFolder, 'log'))) === 0) await sleep(1)
  })
  await untilEnded(executor, order.attemptFolder)
  return ms
}

async function sizeOf(path: string): Promise<number> {
  return (await readFile(path).catch(() => '')).length
}
