import { spawn } from 'node:child_process'
import { followLog, startRun } from '../src/api/runs.ts'
import { followEvents } from '../src/api/system.ts'
import { startTestServerProcess } from '../tests/harness/server-process.ts'
import { answer, type BenchOptions, type BenchRow } from './bench-row.ts'

const STEPS = 20
const EVERY_MS = 100

/** Prints the moment of each line, at intervals, so that whoever reads it knows how late it is. */
const chatter = (lines: number) =>
  `import sys, time\nfor at in range(${lines}):\n    print(time.time() * 1000, flush=True)\n    time.sleep(${EVERY_MS / 1_000})\n`

/** Twenty steps that print ten lines a second, each followed by a client of its own: how late a line is seen. */
export async function benchLogs({ quick }: BenchOptions): Promise<BenchRow[]> {
  const lines = quick ? 10 : 50
  await using server = await startTestServerProcess('sqlite')
  const names = Array.from({ length: STEPS }, (_, at) => `chatty${at}`)
  const steps = names.map((name) => `  ${name}: { run: "python3 -I chatter.py", resources: { cpus: 0.05 } }`)
  const project = await server.project('chatty', {
    'tidegate.yaml': `version: 1\nsteps:\n${steps.join('\n')}\n`,
    'chatter.py': chatter(lines),
  })
  await project.push(server.admin)

  const stop = new AbortController()
  const { client } = server.admin
  const events = client.follow(followEvents, { query: { project: project.name, after: 'newest' } }, stop.signal)
  const ours: number[] = []
  const { number } = await client.call(startRun, { params: { project: project.name }, body: {} })
  const following: Promise<void>[] = []
  for await (const { data } of events) {
    const { kind, subject } = data as { kind: string; subject: string }
    const step = new RegExp(`#${number}/(chatty\\d+)/`).exec(subject)?.[1]
    if (kind === 'attempt.started' && step !== undefined) following.push(follow(step))
    if (kind === 'run.ended' && subject.endsWith(`#${number}`)) break
  }
  await Promise.all(following)
  stop.abort()
  const question = {
    what: `a line of ${STEPS} chatty steps seen by a client`,
    unit: 'ms',
    peerIs: 'the same over bare pipes',
  }
  const samples = { ours, peer: await overPipes(lines) }
  const budget = { says: '< 300 ms', isMet: (ms: number) => ms < 300 }
  return [
    answer({ ...question, statistic: 'median' }, samples),
    answer({ ...question, statistic: 'p95', budget }, samples),
  ]

  async function follow(step: string): Promise<void> {
    const params = { project: project.name, number, step }
    // What was printed before anybody looked is history, and says nothing of how live it is.
    const since = now()
    for await (const { event, data } of client.follow(followLog, { params, query: {} }, stop.signal)) {
      if (event === 'log') ours.push(...delays((data as { readonly text: string }).text, since))
    }
  }
}

function delays(text: string, since = 0): number[] {
  const seenAt = now()
  const printed = text.split('\n').flatMap((line) => (/^\d+\.\d+$/.test(line) ? [Number(line)] : []))
  return printed.filter((at) => at > since).map((at) => seenAt - at)
}

/** To be compared with what another process of this machine printed. */
function now(): number {
  return performance.timeOrigin + performance.now()
}

async function overPipes(lines: number): Promise<number[]> {
  const seen: number[] = []
  const children = Array.from({ length: STEPS }, () =>
    spawn('python3', ['-I', '-c', chatter(lines)], { stdio: ['ignore', 'pipe', 'ignore'] }),
  )
  await Promise.all(
    children.map(async ({ stdout }) => {
      for await (const chunk of stdout) seen.push(...delays(String(chunk)))
    }),
  )
  return seen
}

if (import.meta.main) console.log(JSON.stringify(await benchLogs({ quick: true }), null, 1))
