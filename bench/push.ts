import { followLog } from '../src/api/runs.ts'
import { followEvents } from '../src/api/system.ts'
import { startTestServerProcess } from '../tests/harness/server-process.ts'
import type { TestPerson, TestProject } from '../tests/harness/server.ts'
import { commitFiles, makeWork, runClient, temporaryFolder } from '../tests/source/git-place.ts'
import { serveBareGit } from './bare-git.ts'
import { bareSpawn } from './bare-spawn.ts'
import { startBuildbot } from './buildbot.ts'
import { answer, timed, type BenchOptions, type BenchRow } from './bench-row.ts'

const PIPELINE = 'version: 1\nsteps:\n  first: { run: "echo first; sleep 0.3" }\n'

/** What the pusher of a tiny pipeline waits for, at a real server's page or terminal: the first line of output. */
export async function benchPush({ quick }: BenchOptions): Promise<BenchRow[]> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startTestServerProcess('sqlite'))
  const folder = stack.use(await temporaryFolder()).path
  const project = await server.project('push', { 'tidegate.yaml': PIPELINE })
  const bare = stack.use(await serveBareGit(folder, 'echo first'))
  const work = await makeWork(folder, 'work', { 'tidegate.yaml': PIPELINE })
  // The first push makes the environment that all share.
  await pushAndWatch(project, server.admin)
  await pushBare(work, bare.url)

  const [ours, accepted, peer, spawned]: [number[], number[], number[], number[]] = [[], [], [], []]
  for (let round = 0; round < (quick ? 3 : 20); round++) {
    await commitFiles(work, { 'note.txt': String(round) }, 'a change')
    peer.push(await pushBare(work, bare.url))
    await project.commit({ 'note.txt': String(round) })
    const seen = await pushAndWatch(project, server.admin)
    ours.push(seen.fromStartMs)
    accepted.push(seen.fromAcceptedMs)
    spawned.push(await timed(() => bareSpawn(folder, 'echo first')))
  }
  const whole = {
    what: '`git push` to its first output',
    unit: 'ms',
    peerIs: '`git http-backend`, `post-receive` hook',
  }
  const inside = { what: 'push accepted to first output', unit: 'ms', peerIs: 'spawn sh -c echo, to its end' }
  const budget = { says: 'p95 < 500 ms', isMet: (ms: number) => ms < 500 }
  const buildbot = await pushesToBuildbot(folder, quick ? 2 : 10)
  const ahead = { says: 'ahead', isMet: (ms: number, theirs: number) => ms < theirs }
  const beside = {
    ...whole,
    peerIs: 'Buildbot, one worker: push to its command',
    statistic: 'median',
    budget: ahead,
  } as const
  return [
    answer({ ...whole, statistic: 'median' }, { ours, peer }),
    answer({ ...whole, statistic: 'p95' }, { ours, peer }),
    answer({ ...inside, statistic: 'median' }, { ours: accepted, peer: spawned }),
    answer({ ...inside, statistic: 'p95', budget }, { ours: accepted, peer: spawned }),
    ...(buildbot === undefined ? [] : [answer(beside, { ours, peer: buildbot })]),
  ]
}

/** Beside ours, and not in turns with it: its daemons would be at work meanwhile. */
async function pushesToBuildbot(folder: string, rounds: number): Promise<number[] | undefined> {
  try {
    await using buildbot = await startBuildbot(folder)
    if (buildbot === undefined) return undefined
    await buildbot.push()
    const samples: number[] = []
    for (let round = 0; round < rounds; round++) {
      // Until the build is over: pushes that come meanwhile are one build.
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      samples.push(await buildbot.push())
    }
    return samples
  } catch (error) {
    console.error(`Buildbot does not run here: ${(error as Error).message.split('\n').at(-1)}`)
    return undefined
  }
}

interface Seen {
  readonly fromStartMs: number
  /** From the moment that the push's row was written. */
  readonly fromAcceptedMs: number
}

async function pushAndWatch(project: TestProject, person: TestPerson): Promise<Seen> {
  const watching = new AbortController()
  const seen = watchFirstOutput(project, person, watching.signal)
  // The stream of events is open before anything happens.
  await new Promise((resolve) => setTimeout(resolve, 300))
  const startedAt = now()
  const pushed = project.push(person)
  const { acceptedAt, seenAt } = await seen
  watching.abort()
  const { code, stderr } = await pushed
  if (code !== 0) throw new Error(stderr)
  return { fromStartMs: seenAt - startedAt, fromAcceptedMs: seenAt - acceptedAt }
}

async function watchFirstOutput({ name }: TestProject, { client }: TestPerson, signal: AbortSignal) {
  let acceptedAt = 0
  const events = client.follow(followEvents, { query: { project: name, after: 'newest' } }, signal)
  for await (const { data } of events) {
    const { kind, at, subject } = data as { kind: string; at: number; subject: string }
    if (kind === 'push.received') acceptedAt = at
    const number = /#(\d+)\/first/.exec(subject)?.[1]
    if (kind !== 'attempt.started' || number === undefined) continue
    const params = { project: name, number: Number(number), step: 'first' }
    for await (const { event } of client.follow(followLog, { params, query: {} }, signal))
      if (event === 'log') return { acceptedAt, seenAt: now() }
  }
  throw new Error('the server said nothing of the step')
}

async function pushBare(work: string, url: string): Promise<number> {
  const startedAt = now()
  let seenAt = 0
  const outcome = await runClient(work, ['push', url, 'main'], (text) => {
    if (seenAt === 0 && text.includes('remote: first')) seenAt = now()
  })
  if (outcome.code !== 0) throw new Error(outcome.stderr)
  return seenAt - startedAt
}

/** To be compared with what another process of this machine wrote down. */
function now(): number {
  return performance.timeOrigin + performance.now()
}

if (import.meta.main) console.log(JSON.stringify(await benchPush({ quick: true }), null, 1))
