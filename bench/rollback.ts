import { setTimeout as sleep } from 'node:timers/promises'
import { clearRefusal, deployVersion, rollBack } from '../src/api/deployments.ts'
import { startTestServerProcess } from '../tests/harness/server-process.ts'
import { deliveredProject, tellStory, type Story } from '../tests/stages/delivery-story.ts'
import { answer, type BenchOptions, type BenchRow } from './bench-row.ts'

const PRODUCTION = `  production:
    approval: { reviewers: [lead], required: 1 }
    rollout: [{ weight: 50%, min-requests: 1000000 }]
    route-by: "header:x-customer"
`
const CLIENTS = 16
const ROW = [[1, 7, 2, 3]]

interface Answered {
  readonly status: number
  readonly version: string | null
  readonly customer: string
  readonly at: number
  readonly ms: number
}

/**
 * A canary that serves half of all customers is rolled back by a person while sixteen clients ask: from
 * sending the request to the canary's last answer. And how many requests failed meanwhile, of anybody.
 */
export async function benchRollback({ quick }: BenchOptions): Promise<BenchRow[]> {
  await using server = await startTestServerProcess('sqlite')
  const [lead, mia] = [await server.person('lead', 'approver'), await server.person('mia', 'maintainer')]
  const story = await tellStory(server, 'back', deliveredProject(PRODUCTION))
  for (const version of [1, 2]) {
    await story.push(server.admin)
    await story.approve(lead, await story.reaches(version, 'production', 'awaiting-approval'))
    await story.reaches(version, 'production', 'live', 'rolling-out')
  }

  const [ours, latencies, failed]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < (quick ? 2 : 8); round++) {
    if (round > 0) await deployAgain()
    const load = startLoad(story)
    await load.until((answers) => answers.filter(({ version }) => version === '2').length > 200)
    const decidedAt = performance.now()
    await lead.client.call(rollBack, { params: PLACE, body: { reason: 'a benchmark' } })
    await sleep(500)
    const answers = await load.stop()
    const last = answers.findLast(({ version }) => version === '2')
    ours.push((last?.at ?? decidedAt) - decidedAt)
    latencies.push(...answers.map(({ ms }) => ms))
    failed.push(answers.filter(({ status }) => status !== 200).length)
  }
  const floor = { peerIs: 'one request under the same load' }
  const budget = { says: '< 1 s', isMet: (ms: number) => ms < 1_000 }
  const what = "rollback decided to the other version's last answer"
  return [
    answer({ what, unit: 'ms', statistic: 'median', ...floor }, { ours, peer: latencies.slice(0, 500) }),
    answer({ what, unit: 'ms', statistic: 'max', budget, ...floor }, { ours, peer: latencies.slice(0, 500) }),
    answer(
      {
        what: `requests that failed, of ${latencies.length} around ${ours.length} rollbacks`,
        unit: '',
        statistic: 'max',
        peerIs: 'none',
        budget: { says: '0', isMet: (count) => count === 0 },
      },
      { ours: failed, peer: [0] },
    ),
  ]

  async function deployAgain(): Promise<void> {
    const { bundle } = await story.reaches(2, 'production', 'rolled-back')
    await mia.client.call(clearRefusal, { params: PLACE, body: { bundle, reason: 'the next round' } })
    await mia.client.call(deployVersion, {
      params: { project: 'back' },
      body: { version: 2, environment: 'production' },
    })
    await story.approve(lead, await story.reaches(2, 'production', 'awaiting-approval'))
    await story.reaches(2, 'production', 'rolling-out')
  }
}

const PLACE = { project: 'back', environment: 'production' }

interface Load {
  until(isEnough: (answers: readonly Answered[]) => boolean): Promise<void>
  stop(): Promise<Answered[]>
}

/** Every client asks again as soon as it has its answer, as another customer each time. */
function startLoad(story: Story): Load {
  const answers: Answered[] = []
  const stopping = new AbortController()
  const client = async (name: number): Promise<void> => {
    for (let count = 0; !stopping.signal.aborted; count++) {
      const customer = `customer-${name}-${count % 50}`
      const sentAt = performance.now()
      const { status, version } = await story.infer('production', ROW, { 'x-customer': customer })
      answers.push({ status, version, customer, at: performance.now(), ms: performance.now() - sentAt })
    }
  }
  const clients = Array.from({ length: CLIENTS }, (_, name) => client(name))
  return {
    async until(isEnough) {
      while (!isEnough(answers)) await sleep(20)
    },
    async stop() {
      stopping.abort()
      await Promise.all(clients)
      return answers
    },
  }
}

if (import.meta.main) console.log(JSON.stringify(await benchRollback({ quick: true }), null, 1))
