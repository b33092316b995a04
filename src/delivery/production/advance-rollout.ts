import type { ArmCounters, GatewayStatus } from '../../core/route-table.ts'
import type { Database, Writer } from '../../db/open-database.ts'
import { appendEvents, lockEvents } from '../../db/outbox.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import { uuidv7 } from '../../lib/uuidv7.ts'
import type { DeliveryOptions } from '../delivery-options.ts'
import { rulesOf } from '../rules-of.ts'
import { liveDeployment, previousDeployment } from '../deployments.sql.ts'
import { noteWhy, tryMoveDeployment } from '../move-deployment.ts'
import { judgeRails, type RailVerdict } from './guard-rails.ts'
import { beginRollBack, finishRollBack } from './roll-back.ts'
import { decideRollout, phasesOf, troubleOf, type RolloutDecision } from './rollout.ts'
import { isWindowOpen } from './window.ts'

/** Its host is ready: the first phase begins, beside what is live now. */
export async function beginRollout({ database, traffic }: DeliveryOptions, deployment: DeploymentRow): Promise<void> {
  const champion = await liveDeployment(database.read, deployment.project, deployment.environment)
  const weight = phasesOf(rulesOf(deployment), champion !== undefined)[0]?.weight ?? 1
  const reason = 'its model host is ready'
  const set = {
    phase: 0,
    weight,
    phase_started_at: Date.now(),
    epoch: uuidv7(),
    champion: champion?.version ?? null,
  }
  await database.write(async (writer) => {
    const moved = await tryMoveDeployment(writer, database.kind, deployment, { event: 'roll', reason, set })
    if (moved !== undefined) await tellPhase(writer, database, moved, reason)
  })
  await traffic.apply()
}

/** A look at a rollout under way: rails first, then whether its phase is over. */
export async function roll(
  options: DeliveryOptions,
  deployment: DeploymentRow,
  status: GatewayStatus | undefined,
): Promise<void> {
  const { database, traffic } = options
  const rules = rulesOf(deployment)
  const champion = await liveDeployment(database.read, deployment.project, deployment.environment)
  const counters = countersOf(status, deployment)
  const decision = decideRollout({
    deployment,
    rules,
    hasChampion: champion !== undefined,
    verdicts: await judge(options, deployment, counters),
    requests: (counters.challenger?.requests ?? 0) + (counters.champion?.requests ?? 0),
    hostFailure: hostFailure(status, traffic.hostOf(deployment)),
    windowOpen: isWindowOpen(rules.window, Date.now()),
    now: Date.now(),
  })
  await carryOut(options, deployment, decision, champion)
}

async function carryOut(
  options: DeliveryOptions,
  deployment: DeploymentRow,
  decision: RolloutDecision,
  champion: DeploymentRow | undefined,
): Promise<void> {
  const { database, traffic } = options
  if (decision.kind === 'roll-back') return rollBack(options, deployment, decision.why)
  if (deployment.state === 'held') return
  switch (decision.kind) {
    case 'wait':
      return noteWhy(database, deployment, decision.why)
    case 'hold':
      await database.write((writer) =>
        tryMoveDeployment(writer, database.kind, deployment, { event: 'hold', reason: decision.why }),
      )
      return
    case 'next-phase':
      await database.write((writer) => enterPhase(writer, database, deployment, decision))
      return traffic.apply()
    case 'finish':
      await database.write((writer) => finish(writer, database, { deployment, champion, why: decision.why }))
      return traffic.apply()
  }
}

/** Not a change of state: the same `rolling-out` row in its next phase, guarded by the phase it comes from. */
async function enterPhase(
  writer: Writer,
  database: Database,
  deployment: DeploymentRow,
  next: { phase: number; weight: number; why: string },
): Promise<void> {
  const [moved] = await writer
    .updateTable('deployments')
    .set({ phase: next.phase, weight: next.weight, phase_started_at: Date.now(), epoch: uuidv7(), reason: next.why })
    .where('id', '=', deployment.id)
    .where('state', '=', 'rolling-out')
    .where('phase', '=', deployment.phase)
    .returningAll()
    .execute()
  if (moved !== undefined) await tellPhase(writer, database, moved, next.why)
}

async function tellPhase(writer: Writer, database: Database, row: DeploymentRow, why: string): Promise<void> {
  const data = {
    deployment: row.id,
    environment: row.environment,
    version: row.version,
    phase: row.phase,
    weight: row.weight,
    why,
    run: row.run_id,
  }
  await appendEvents(writer, database.kind, [
    { kind: 'rollout.phase', project: row.project, subject: `${row.project}/${row.environment}`, data },
  ])
}

interface Finished {
  readonly deployment: DeploymentRow
  readonly champion: DeploymentRow | undefined
  readonly why: string
}

/** All traffic is there: testers are asked where the rules say so, else it is live in place of the champion. */
async function finish(writer: Writer, database: Database, { deployment, champion, why }: Finished): Promise<void> {
  await lockEvents(writer, database.kind)
  if (rulesOf(deployment).acceptance !== undefined) {
    const reason = 'it serves; testers are asked'
    await tryMoveDeployment(writer, database.kind, deployment, { event: 'ask-testers', reason })
    return
  }
  const set = { weight: 1, live_at: Date.now() }
  const moved = await tryMoveDeployment(writer, database.kind, deployment, { event: 'finish', reason: why, set })
  if (moved !== undefined && champion !== undefined) await replace(writer, database, champion, moved)
}

async function replace(writer: Writer, database: Database, champion: DeploymentRow, by: DeploymentRow): Promise<void> {
  await tryMoveDeployment(writer, database.kind, champion, {
    event: 'replace',
    reason: `version ${by.version} serves instead`,
    set: { ended_at: Date.now(), weight: 0 },
  })
}

/**
 * A look at what is live: after the testers' yes, what served before makes room; within `observe`, trouble
 * brings the version before back. Where there is none, a person has to decide: nothing at all would be worse.
 */
export async function observe(
  options: DeliveryOptions,
  deployment: DeploymentRow,
  status: GatewayStatus | undefined,
): Promise<void> {
  const { database, traffic } = options
  const newest = await liveDeployment(database.read, deployment.project, deployment.environment)
  if (newest !== undefined && newest.id !== deployment.id) {
    await database.write((writer) => replace(writer, database, deployment, newest))
    return traffic.apply()
  }
  if (Date.now() > (deployment.live_at ?? 0) + rulesOf(deployment).observeMs) return
  const verdicts = await judge(options, deployment, countersOf(status, deployment))
  const trouble = troubleOf({ verdicts, hostFailure: hostFailure(status, traffic.hostOf(deployment)) })
  if (trouble === undefined) return
  const previous = await previousDeployment(database.read, deployment)
  if (previous === undefined) return noteWhy(database, deployment, `${trouble}; there is no version to go back to`)
  await rollBack(options, deployment, trouble)
}

async function rollBack(
  { database, traffic, log }: DeliveryOptions,
  deployment: DeploymentRow,
  why: string,
): Promise<void> {
  const moved = await database.write((writer) => beginRollBack(writer, database.kind, deployment, why, 'tidegate'))
  if (moved === undefined) return
  await traffic.apply()
  log.info({ deployment: deployment.id, why }, 'rolled back')
}

/** Settled once its last answer is out, counted after the gateway was seen to have a table without it. */
export async function settleRollBack({ database, traffic }: DeliveryOptions, deployment: DeploymentRow): Promise<void> {
  await traffic.apply()
  const { counters } = await traffic.status()
  const isOut = counters.every((counter) => !isOf(counter, deployment) || counter.inFlight === 0)
  if (isOut) await database.write((writer) => finishRollBack(writer, database.kind, deployment))
}

async function judge(
  { traffic }: DeliveryOptions,
  deployment: DeploymentRow,
  counters: ReturnType<typeof countersOf>,
): Promise<RailVerdict[]> {
  const rules = rulesOf(deployment)
  const needsLabels = rules.guardRails.some((rail) => rail.kind === 'labels')
  const labelled = needsLabels ? await traffic.labelled(deployment) : undefined
  return judgeRails(rules.guardRails, { weight: deployment.weight, ...counters, labelled }, rules.rollout.length)
}

function countersOf(
  status: GatewayStatus | undefined,
  deployment: DeploymentRow,
): { challenger: ArmCounters | undefined; champion: ArmCounters | undefined } {
  const { project, environment, epoch, version } = deployment
  const counters =
    status?.counters.filter(
      (counter) => counter.project === project && counter.environment === environment && counter.epoch === epoch,
    ) ?? []
  const own = String(version)
  return {
    challenger: counters.find((counter) => counter.version === own),
    champion: counters.find((counter) => counter.version !== own),
  }
}

function isOf(counter: ArmCounters, { project, environment, version }: DeploymentRow): boolean {
  return counter.project === project && counter.environment === environment && counter.version === String(version)
}

function hostFailure(status: GatewayStatus | undefined, host: string): string | undefined {
  const found = status?.hosts.find(({ id }) => id === host)
  return found?.state === 'failed' ? (found.reason ?? 'it does not start') : undefined
}
