import { isAppError } from '../core/errors.ts'
import type { AppEvent } from '../core/events.ts'
import { isFinal } from '../core/transitions.ts'
import { RUN_TRANSITIONS, type RunState } from '../core/run-state.ts'
import { assertNever } from '../lib/assert-never.ts'
import type { Reader } from '../db/open-database.ts'
import type { DeploymentRow } from '../db/tables.ts'
import { rulesOf } from '../delivery/rules-of.ts'
import { beginRollBack } from '../delivery/production/roll-back.ts'
import { deploymentsOfVersion, previousDeployment } from '../delivery/deployments.sql.ts'
import { getRun } from '../engine/runs.sql.ts'
import { admitRetraining, type Retraining, type RetrainRule } from '../monitoring/admit-retraining.ts'
import { getAlert, listActions, retrainingActions, type AlertRow } from '../monitoring/alerts.sql.ts'
import { recordAction } from '../monitoring/record-action.ts'
import type { MonitorAction } from '../pipeline/pipeline.ts'
import type { Installation } from './installation.ts'
import { startRetraining } from './start-run.ts'

interface Outcome {
  readonly outcome: 'done' | 'refused' | 'failed'
  readonly detail: string
  readonly run_id: string | null
}

/**
 * Does what a monitor's `actions` say about an alert that has fired, and records each, also what was refused
 * and why. Called at least once for each event: what was recorded already is not done again, and a
 * retraining run is one for each alert.
 */
export async function actOnAlert(installation: Installation, event: AppEvent): Promise<void> {
  const { read } = installation.database
  const alert = await getAlert(read, String(event.data['alert']))
  const deployment = alert === undefined ? undefined : await deploymentOf(read, alert)
  if (alert === undefined || deployment === undefined) return
  const monitor = rulesOf(deployment).monitors.find(({ name }) => name === alert.monitor)
  const taken = new Set((await listActions(read, [alert.id])).map(({ kind }) => kind))
  for (const action of monitor?.actions ?? []) {
    if (taken.has(action.kind)) continue
    const outcome = await act(installation, alert, deployment, action).catch(failed)
    await recordAction(installation.database, alert, { kind: action.kind, ...outcome }, Date.now())
  }
}

function failed(error: unknown): Outcome {
  return {
    outcome: isAppError(error, 'NOTHING_CHANGED') ? 'refused' : 'failed',
    detail: (error as Error).message,
    run_id: null,
  }
}

async function act(
  installation: Installation,
  alert: AlertRow,
  deployment: DeploymentRow,
  action: MonitorAction,
): Promise<Outcome> {
  if (deployment.state !== 'live' && action.kind !== 'notify') return tooLate(alert, deployment, action)
  switch (action.kind) {
    case 'notify':
      return { outcome: 'done', detail: 'people were told', run_id: null }
    case 'rollback':
      return rollBack(installation, alert, deployment)
    case 'retrain':
      return retrain(installation, alert, action)
    default:
      return assertNever(action)
  }
}

/** The last time the alert's version went to its environment. */
async function deploymentOf(reader: Reader, alert: AlertRow): Promise<DeploymentRow | undefined> {
  const rows = await deploymentsOfVersion(reader, alert.project, alert.version)
  return rows.findLast(({ environment }) => environment === alert.environment)
}

const WENT_BACK = new Set(['rolling-back', 'rolled-back'])

/** It no longer serves: by our own hand, when we were killed before we wrote down that we did it, or by somebody else's. */
function tooLate(alert: AlertRow, { state, reason, version }: DeploymentRow, action: MonitorAction): Outcome {
  const isOurs = action.kind === 'rollback' && reason === alert.summary && WENT_BACK.has(state)
  if (isOurs) return { outcome: 'done', detail: `version ${version} was rolled back`, run_id: null }
  return { outcome: 'refused', detail: `version ${version} no longer serves: it is ${state}`, run_id: null }
}

/** Acts only while the version is still observed; later somebody has built on it, and a person decides. */
async function rollBack(installation: Installation, alert: AlertRow, deployment: DeploymentRow): Promise<Outcome> {
  const { database, routes } = installation
  const observedUntil = (deployment.live_at ?? 0) + rulesOf(deployment).observeMs
  if (Date.now() > observedUntil)
    return { outcome: 'refused', detail: 'the version is past `observe`: a person decides', run_id: null }
  const previous = await previousDeployment(database.read, deployment)
  if (previous === undefined)
    return { outcome: 'refused', detail: 'there is no version before it to go back to', run_id: null }
  const moved = await database.write((writer) =>
    beginRollBack(writer, database.kind, deployment, alert.summary, 'tidegate'),
  )
  await routes.apply()
  if (moved === undefined) return { outcome: 'refused', detail: 'it no longer serves', run_id: null }
  return { outcome: 'done', detail: `back to version ${previous.version}`, run_id: null }
}

async function retrain(installation: Installation, alert: AlertRow, rule: RetrainRule): Promise<Outcome> {
  const admission = admitRetraining(await historyOf(installation, alert.project), rule, Date.now())
  if (admission.kind === 'refused') return { outcome: 'refused', detail: admission.why, run_id: null }
  const run = await startRetraining(installation, alert.project, alert.id)
  return { outcome: 'done', detail: `retraining run ${run.id}`, run_id: run.id }
}

async function historyOf({ database }: Installation, project: string): Promise<Retraining[]> {
  const history: Retraining[] = []
  for (const { run_id: id, at } of await retrainingActions(database.read, project)) {
    const run = id === null ? undefined : await getRun(database.read, id)
    if (run !== undefined) history.push({ run: run.id, at, isFinished: isFinal<RunState>(RUN_TRANSITIONS, run.state) })
  }
  return history
}
