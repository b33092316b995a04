import type { ArmCounters, GatewayStatus, HostStatus } from '../../src/core/route-table.ts'
import type { DeploymentState } from '../../src/core/deployment-state.ts'
import type { DeploymentRow } from '../../src/db/tables.ts'
import { advanceDeployment } from '../../src/delivery/advance-deployment.ts'
import { askTesters } from '../../src/delivery/acceptance/ask-testers.ts'
import { createDeployment } from '../../src/delivery/create-deployment.ts'
import type { DeliveryOptions } from '../../src/delivery/delivery-options.ts'
import { getDeployment, liveDeployment, unfinishedDeployments } from '../../src/delivery/deployments.sql.ts'
import type { AnsweredCase } from '../../src/delivery/acceptance/open-session.ts'
import type { Traffic } from '../../src/delivery/traffic.ts'
import type { EnvironmentSpec } from '../../src/pipeline/pipeline.ts'
import { parsePipeline } from '../../src/pipeline/parse-pipeline.ts'
import type { TestDatabase } from '../harness/databases.ts'

/** A gateway that says what it is told to say, and a count of how often traffic was asked to follow the rows. */
export class FakeTraffic implements Traffic {
  applied = 0
  counters: ArmCounters[] = []
  /** Of hosts that are not simply ready. */
  readonly hosts = new Map<string, Omit<HostStatus, 'id'>>()
  cases: AnsweredCase[] = [{ id: 'c1', spec: {}, candidate: { prediction: '1' }, champion: null }]
  testers: string[] = ['tess', 'tom']
  champion: string | null = null
  refusal: Error | undefined

  async apply(): Promise<void> {
    this.applied += 1
  }

  async status(): Promise<GatewayStatus> {
    const hosts = [...this.hosts].map(([id, host]) => ({ id, ...host }))
    return { revision: 1, pid: 1, hosts, counters: this.counters }
  }

  hostOf(deployment: DeploymentRow): string {
    return `${deployment.environment}/${deployment.version}`
  }

  async answerCases() {
    if (this.refusal !== undefined) throw this.refusal
    return { testers: this.testers, championBundle: this.champion, cases: this.cases }
  }

  async championBundle(): Promise<string | null> {
    return this.champion
  }

  async labelled(): Promise<undefined> {}
}

/** Rows of one project that goes to `production` alone, with nothing real around them. */
export interface DeliveryPlace {
  readonly database: TestDatabase['database']
  readonly traffic: FakeTraffic
  readonly options: DeliveryOptions
  send(version: number, rules: EnvironmentSpec, more?: { authors?: string[]; bundle?: string }): Promise<DeploymentRow>
  row(deployment: DeploymentRow): Promise<DeploymentRow>
  state(deployment: DeploymentRow): Promise<DeploymentState>
  /** The version that serves. */
  live(): Promise<number | undefined>
  /** One look at a deployment as its row is now. */
  look(deployment: DeploymentRow): Promise<void>
  /** Looks at everything until nothing moves any more. */
  settle(): Promise<void>
}

export const PROJECT = 'tiny'

const TABLES = [
  'verdicts',
  'signatures',
  'acceptance_cases',
  'acceptance_sessions',
  'approvals',
  'refused_bundles',
  'deployments',
  'events',
] as const

/** A place without rows: each test has its own, on the one database of its file. */
export async function freshPlace({ database }: TestDatabase): Promise<DeliveryPlace> {
  await database.write(async (writer) => {
    for (const table of TABLES) await writer.deleteFrom(table).execute()
  })
  const traffic = new FakeTraffic()
  const options: DeliveryOptions = {
    database,
    traffic,
    log: { info: () => undefined, error: () => undefined },
    isLast: async () => true,
  }
  const row = async (deployment: DeploymentRow) => (await getDeployment(database.read, PROJECT, deployment.id))!
  const look = async (deployment: DeploymentRow) => {
    const now = await row(deployment)
    if (now.state === 'awaiting-acceptance') return askTesters(options, now, new AbortController().signal)
    const host = traffic.hostOf(now)
    const hosts = [{ id: host, state: 'ready' as const, restarts: 0, ...traffic.hosts.get(host) }]
    return advanceDeployment(options, now, { ...(await traffic.status()), hosts })
  }
  return {
    database,
    traffic,
    options,
    row,
    look,
    state: async (deployment) => (await row(deployment)).state,
    live: async () => (await liveDeployment(database.read, PROJECT, 'production'))?.version,
    send: (version, environment, { authors = ['ana'], bundle = bundleOf(version) } = {}) =>
      database.write((writer) =>
        createDeployment(writer, database.kind, {
          project: PROJECT,
          environment,
          position: 0,
          model: PROJECT,
          version,
          bundle,
          runId: `${PROJECT}#${version}`,
          requestedBy: 'ana',
          authors,
        }),
      ),
    async settle() {
      for (let before = ''; ;) {
        const rows = await unfinishedDeployments(database.read)
        const after = JSON.stringify(rows.map(({ id, state, phase }) => [id, state, phase]))
        if (after === before) return
        before = after
        for (const one of rows) await look(one)
      }
    },
  }
}

export function bundleOf(version: number): string {
  return `sha256:${String(version).padStart(64, '0')}`
}

/** `production:` of a pipeline file. */
export function production(yaml: string): EnvironmentSpec {
  const text = `model: { path: model.onnx }\nsteps: { train: { run: train, outs: [model.onnx] } }\nenvironments:\n  production: ${yaml}\n`
  const { pipeline, problems } = parsePipeline(text, 'tidegate.yaml')
  const [environment] = pipeline?.environments ?? []
  if (environment === undefined) throw new Error(JSON.stringify(problems))
  return environment
}
