import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { startRun } from '../src/api/runs.ts'
import { startTestServerProcess } from '../tests/harness/server-process.ts'
import { temporaryFolder } from '../tests/source/git-place.ts'
import { bareSpawn } from './bare-spawn.ts'
import { answer, timed, type BenchOptions, type BenchRow } from './bench-row.ts'

const AT_A_TIME = 8

/** A queue of runs of one trivial step: how fast it is emptied, and what the server's memory does meanwhile. */
export async function benchDrain({ quick }: BenchOptions): Promise<BenchRow[]> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder()).path
  const server = stack.use(await startTestServerProcess('sqlite'))
  const total = quick ? 60 : 2_000
  const project = await server.project('drain', { 'tidegate.yaml': 'version: 1\nsteps:\n  only: { run: "true" }\n' })
  await project.push(server.admin)

  const startedAt = performance.now()
  let left = total
  const ask = async () => {
    while (left-- > 0) await server.admin.client.call(startRun, { params: { project: project.name }, body: {} })
  }
  const asking = Promise.all(Array.from({ length: AT_A_TIME }, ask))
  const memory: number[] = []
  for (let ended = 0; ended < total;) {
    await sleep(500)
    memory.push(await residentMegabytes(server.pid))
    ended = await countEnded(project, total)
  }
  await asking
  const seconds = (performance.now() - startedAt) / 1_000
  const spawned = await timed(async () => {
    for (let at = 0; at < 100; at++) await bareSpawn(folder, 'true')
  })

  const budget = { says: '> 10,000', isMet: (perHour: number) => perHour > 10_000 }
  const early = memory.slice(0, Math.ceil(memory.length / 4))
  return [
    answer(
      {
        what: `runs of one step of \`true\` per hour, ${total.toLocaleString('en')} in the queue`,
        unit: '',
        statistic: 'median',
        peerIs: 'spawn sh -c true, one after another',
        budget,
      },
      { ours: [(total / seconds) * 3_600], peer: [(100 / (spawned / 1_000)) * 3_600] },
    ),
    answer(
      {
        what: 'memory of the server, the most in the last quarter',
        unit: 'MB',
        statistic: 'max',
        peerIs: 'the most in the first quarter',
        budget: { says: '≤ 1.3×', isMet: (late, before) => late <= 1.3 * before },
      },
      { ours: memory.slice(-early.length), peer: early },
    ),
  ]
}

/** Numbers have no gaps, and the first one was the push's; the newest page tells, since the oldest start first. */
async function countEnded(
  project: { runs(): Promise<readonly { number: number; endedAt: number | null }[]> },
  total: number,
): Promise<number> {
  const newest = await project.runs()
  const isDone = (newest[0]?.number ?? 0) === total + 1 && newest.every(({ endedAt }) => endedAt !== null)
  return isDone ? total : 0
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1_000
}

if (import.meta.main) console.log(JSON.stringify(await benchDrain({ quick: true }), null, 1))
