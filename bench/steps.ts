import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startRun } from '../src/api/runs.ts'
import { startTestServerProcess } from '../tests/harness/server-process.ts'
import type { TestPerson, TestProject } from '../tests/harness/server.ts'
import { bareSpawn } from './bare-spawn.ts'
import { answer, timed, type BenchOptions, type BenchRow } from './bench-row.ts'

const STEPS = 30
const NAMES = Array.from({ length: STEPS }, (_, at) => `s${String(at).padStart(2, '0')}`)

/**
 * What the engine adds to a step: chains of thirty through a real server. Steps of `true` come faster than
 * supervisors start, so each waits for its own; steps that take a tenth of a second find one waiting.
 */
export async function benchSteps({ quick }: BenchOptions): Promise<BenchRow[]> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-bench-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const server = stack.use(await startTestServerProcess('sqlite'))
  const measured = { folder, person: server.admin, rounds: quick ? 1 : 3 }
  const trivial = await measureChain({
    ...measured,
    run: 'true',
    project: await server.project('trivial', chain('true')),
  })
  const short = await measureChain({
    ...measured,
    run: 'sleep 0.1',
    project: await server.project('short', chain('sleep 0.1')),
  })
  const budget = { says: 'p95 < 15 ms over spawning it', isMet: (ms: number, spawnMs: number) => ms - spawnMs < 15 }
  const [ofTrivial, ofShort] = [
    { what: `each of ${STEPS} steps of \`true\`, start to start`, unit: 'ms' },
    { what: `each of ${STEPS} steps of \`sleep 0.1\`, start to start`, unit: 'ms' },
  ]
  return [
    answer({ ...ofTrivial, statistic: 'median', peerIs: 'spawn sh -c true' }, trivial),
    answer({ ...ofTrivial, statistic: 'p95', peerIs: 'spawn sh -c true', budget }, trivial),
    answer(
      { ...ofTrivial, statistic: 'median', peerIs: '`make`, the same chain' },
      { ours: trivial.ours, peer: trivial.made },
    ),
    answer({ ...ofShort, statistic: 'median', peerIs: 'spawn sh -c "sleep 0.1"' }, short),
    answer({ ...ofShort, statistic: 'p95', peerIs: 'spawn sh -c "sleep 0.1"', budget }, short),
  ]
}

/** Each waits for the one before; none declares what it reads, so none is ever taken from the cache. */
function chain(run: string): Record<string, string> {
  const steps = NAMES.map((name, at) => `  ${name}: { run: "${run}"${at === 0 ? '' : `, needs: [${NAMES[at - 1]}]`} }`)
  return { 'tidegate.yaml': `version: 1\nsteps:\n${steps.join('\n')}\n` }
}

function makefile(run: string): string {
  return NAMES.map((name, at) => `${name}: ${NAMES[at - 1] ?? ''}\n\t@sh -e -c '${run}'\n`).join('')
}

interface Measured {
  readonly folder: string
  readonly person: TestPerson
  readonly project: TestProject
  readonly run: string
  readonly rounds: number
}

async function measureChain({ folder, person, project, run, rounds }: Measured) {
  await writeFile(join(folder, 'Makefile'), makefile(run))
  // The first run makes what all share.
  await project.push(person)
  const [ours, peer, made]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < rounds; round++) {
    for (const _ of NAMES) peer.push(await timed(() => bareSpawn(folder, run)))
    ours.push(...(await runChain(project, person)))
    made.push((await timed(() => make(folder))) / STEPS)
  }
  return { ours, peer, made }
}

function make(folder: string): Promise<unknown> {
  return promisify(execFile)('make', ['--silent', NAMES.at(-1) ?? ''], { cwd: folder })
}

async function runChain(project: TestProject, { client }: TestPerson): Promise<number[]> {
  const { number } = await client.call(startRun, { params: { project: project.name }, body: {} })
  const { state, reason, steps } = await project.ended(number)
  if (state !== 'succeeded') throw new Error(`the chain ${state}: ${reason}`)
  const ours = steps.filter(({ key }) => NAMES.includes(key)).toSorted((a, b) => (a.key < b.key ? -1 : 1))
  return ours.map(({ startedAt, endedAt }, at) => (ours[at + 1]?.startedAt ?? endedAt ?? 0) - (startedAt ?? 0))
}

if (import.meta.main) console.log(JSON.stringify(await benchSteps({ quick: true }), null, 1))
