import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startRun } from '../src/api/runs.ts'
import { mapBounded } from '../src/lib/map-bounded.ts'
import { startTestServerProcess, type TestServerProcess } from '../tests/harness/server-process.ts'
import { temporaryFolder } from '../tests/source/git-place.ts'
import { answer, timed, type BenchOptions, type BenchRow } from './bench-row.ts'
import { bareSpawn } from './bare-spawn.ts'
import { peerPrograms } from './peers.ts'

type Shape = 'fan-out' | 'chain'

interface Graph {
  readonly shape: Shape
  readonly size: number
}

const run = promisify(execFile)

/** Many steps of `true`, side by side and one after another: a whole run on a real server, and its peers doing the same. */
export async function benchGraph({ quick }: BenchOptions): Promise<BenchRow[]> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder()).path
  const server = stack.use(await startTestServerProcess('sqlite'))
  const graphs: Graph[] = [
    { shape: 'fan-out', size: quick ? 60 : 1_000 },
    { shape: 'chain', size: quick ? 30 : 300 },
  ]
  const rows: BenchRow[] = []
  for (const graph of graphs) rows.push(...(await compare(server, join(folder, graph.shape), graph)))
  return rows
}

async function compare(server: TestServerProcess, folder: string, graph: Graph): Promise<BenchRow[]> {
  await mkdir(folder)
  const ours = await preparePipeline(server, graph)
  const make = await prepareMake(folder, graph)
  const samples = { ours: [] as number[], make: [] as number[], node: [] as number[] }
  for (const _ of [1, 2]) {
    samples.make.push(await make())
    samples.node.push(await spawnFromNode(folder, graph))
    samples.ours.push(await ours())
  }
  const what = `${graph.shape} of ${graph.size.toLocaleString('en')} steps of \`true\``
  const question = { what, unit: 'ms', statistic: 'median' } as const
  const threefold = { says: '≤ 3×', isMet: (mine: number, peer: number) => mine <= 3 * peer }
  const ahead = { says: 'ahead', isMet: (mine: number, peer: number) => mine < peer }
  const rows = [
    answer({ ...question, peerIs: '`make -j2`', budget: threefold }, { ours: samples.ours, peer: samples.make }),
    answer({ ...question, peerIs: FLOOR[graph.shape] }, { ours: samples.ours, peer: samples.node }),
  ]
  for (const [peerIs, prepare] of OTHERS) {
    const peer = await measurePeer(peerIs, prepare, folder, graph)
    if (peer !== undefined) rows.push(answer({ ...question, peerIs, budget: ahead }, { ours: samples.ours, peer }))
  }
  return rows
}

type Measure = () => Promise<number>
type Prepare = (folder: string, graph: Graph) => Promise<Measure | undefined>

/** Once: it takes long. A peer that does not run here costs its row, and not the others. */
async function measurePeer(
  name: string,
  prepare: Prepare,
  folder: string,
  graph: Graph,
): Promise<number[] | undefined> {
  try {
    const measure = await prepare(folder, graph)
    return measure === undefined ? undefined : [await measure()]
  } catch (error) {
    console.error(`${name} does not run here: ${(error as Error).message.split('\n').at(-2)}`)
    return undefined
  }
}

/** A run from its request to its end, by the server's clock: everything durable, nothing taken from the cache. */
async function preparePipeline(server: TestServerProcess, { shape, size }: Graph): Promise<Measure> {
  const steps = namesOf(size).map(
    (name, at, names) =>
      `  ${name}: { run: "true"${shape === 'chain' && at > 0 ? `, needs: [${names[at - 1]}]` : ''} }`,
  )
  const project = await server.project(shape, { 'tidegate.yaml': `version: 1\nsteps:\n${steps.join('\n')}\n` })
  await project.push(server.admin)
  return async () => {
    const { number } = await server.admin.client.call(startRun, { params: { project: project.name }, body: {} })
    for (;;) {
      await sleep(500)
      const [newest] = await project.runs()
      if (newest?.number !== number || newest.endedAt === null) continue
      if (newest.state !== 'succeeded') throw new Error(`the ${shape} ${newest.state}: ${newest.reason}`)
      return newest.endedAt - newest.createdAt
    }
  }
}

/** What a program in Node cannot go below, whatever it leaves out: it forks, with all that Node has in memory. */
const FLOOR = { 'fan-out': 'Node alone, two at a time', chain: 'Node alone, one after another' } as const

function spawnFromNode(folder: string, { shape, size }: Graph): Promise<number> {
  return timed(() => mapBounded(namesOf(size), shape === 'chain' ? 1 : 2, () => bareSpawn(folder, 'true')))
}

async function prepareMake(folder: string, { shape, size }: Graph): Promise<Measure> {
  const names = namesOf(size)
  const rules = names.map((name, at) => `${name}:${shape === 'chain' && at > 0 ? ` ${names[at - 1]}` : ''}\n\t@true;\n`)
  await writeFile(
    join(folder, 'Makefile'),
    `.PHONY: all ${names.join(' ')}\nall: ${names.join(' ')}\n${rules.join('')}`,
  )
  return () => timed(() => run('make', ['--silent', '-j2', 'all'], { cwd: folder }))
}

const OTHERS: readonly (readonly [string, Prepare])[] = [
  ['`dvc repro`', prepareDvc],
  ['Prefect, two threads', preparePrefect],
]

/** DVC orders stages by files: each of a chain writes one for the next. Of a fan-out each always runs. */
async function prepareDvc(folder: string, { shape, size }: Graph): Promise<Measure | undefined> {
  const programs = await peerPrograms('dvc')
  if (programs === undefined) return undefined
  const stages = namesOf(size).map((name, at, names) => {
    if (shape === 'fan-out') return `  ${name}: { cmd: "true" }`
    const deps = at === 0 ? '' : `, deps: [${names[at - 1]}.txt]`
    return `  ${name}: { cmd: "echo ${at} > ${name}.txt"${deps}, outs: [{ ${name}.txt: { cache: false } }] }`
  })
  const place = join(folder, 'dvc')
  await mkdir(place)
  await writeFile(join(place, 'dvc.yaml'), `stages:\n${stages.join('\n')}\n`)
  const options = { cwd: place, env: { ...process.env, DVC_NO_ANALYTICS: '1' }, maxBuffer: 1 << 26 }
  await run(join(programs, 'dvc'), ['init', '--no-scm', '--quiet'], options)
  return () => timed(() => run(join(programs, 'dvc'), ['repro', '--quiet'], options))
}

/** Its flow alone, without what starting Python and its server costs. */
async function preparePrefect(folder: string, { shape, size }: Graph): Promise<Measure | undefined> {
  const programs = await peerPrograms('prefect')
  if (programs === undefined) return undefined
  const script = join(folder, 'flow.py')
  await writeFile(script, PREFECT)
  const env = {
    ...process.env,
    PREFECT_HOME: join(folder, 'prefect'),
    PREFECT_LOGGING_LEVEL: 'ERROR',
    PREFECT_SERVER_ANALYTICS_ENABLED: 'false',
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: '120',
    DO_NOT_TRACK: '1',
  }
  return async () => {
    const { stdout } = await run(join(programs, 'python'), [script, shape, String(size)], { env, maxBuffer: 1 << 26 })
    return Number(/^seconds (.*)$/m.exec(stdout)?.[1]) * 1_000
  }
}

const PREFECT = `
import subprocess, sys, time
from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

@task
def step():
    subprocess.run(["/bin/sh", "-e", "-c", "true"], check=True)

@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
def graph(shape, size):
    futures = []
    for _ in range(size):
        before = futures[-1:] if shape == "chain" else []
        futures.append(step.submit(wait_for=before))
    for future in futures:
        future.result()

graph("chain", 2)
at = time.monotonic()
graph(sys.argv[1], int(sys.argv[2]))
print("seconds", time.monotonic() - at)
`

function namesOf(size: number): string[] {
  return Array.from({ length: size }, (_, at) => `s${String(at).padStart(4, '0')}`)
}

if (import.meta.main) console.log(JSON.stringify(await benchGraph({ quick: true }), null, 1))
