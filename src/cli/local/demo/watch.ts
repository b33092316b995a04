import { setTimeout as sleep } from 'node:timers/promises'
import { listDeployments, type Deployment } from '../../../api/deployments.ts'
import { listAlerts, listMonitorWindows, type Alert, type MonitorWindow } from '../../../api/monitoring.ts'
import { listEvents } from '../../../api/system.ts'
import { getRun, listRuns, type Run, type RunDetail } from '../../../api/runs.ts'
import { AppError } from '../../../core/errors.ts'
import type { DemoPlace } from './demo-place.ts'
import { say } from './terminal.ts'

const LOOK_MS = 150
const PATIENCE_MS = 240_000

/** Asks again until there is an answer; says what it waited for when there is none. */
async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS
  while (Date.now() < deadline) {
    const found = await look()
    if (found !== undefined) return found
    await sleep(LOOK_MS)
  }
  throw new AppError(
    'UPSTREAM',
    `Waited ${PATIENCE_MS / 1_000} s for ${what}. \`tidegate runs\` and the server's log say what happened instead.`,
  )
}

export async function newestRun(place: DemoPlace): Promise<Run> {
  const { runs } = await place
    .client('dana')
    .call(listRuns, { params: { project: place.project }, query: { limit: 1 } })
  const [run] = runs
  if (run === undefined) throw new AppError('NOT_FOUND', `${place.project} has no run.`)
  return run
}

const SETTLED = new Set(['succeeded', 'failed', 'needs-person', 'skipped'])

/** Prints the stages from `first` on as they settle, until one of them is in the state that is waited for. */
export async function untilStage(
  place: DemoPlace,
  number: number,
  stage: number,
  states: readonly string[],
): Promise<RunDetail> {
  const shown = new Map<number, string>()
  return until(`stage ${stage} of ${place.project}#${number}`, async () => {
    const run = await place.client('dana').call(getRun, { params: { project: place.project, number } })
    for (const one of run.stages.filter((candidate) => candidate.number >= 5 && candidate.number <= stage)) {
      if (!SETTLED.has(one.state) || shown.get(one.number) === one.state) continue
      shown.set(one.number, one.state)
      say.stage(one)
    }
    const reached = run.stages.find((one) => one.number === stage)
    return reached !== undefined && states.includes(reached.state) ? run : undefined
  })
}

export async function untilDeployment(
  place: DemoPlace,
  version: number,
  environment: string,
  states: readonly Deployment['state'][],
): Promise<Deployment> {
  return until(`${place.project}@${version} in ${environment} to be ${states.join(' or ')}`, async () => {
    const { deployments } = await place
      .client('dana')
      .call(listDeployments, { params: { project: place.project }, query: { environment } })
    return deployments.find((one) => one.version === version && states.includes(one.state))
  })
}

/** A run that an alert started, once there is one. */
export async function untilRetraining(place: DemoPlace): Promise<{ run: Run; alert: Alert }> {
  return until('an alert to start a retraining run', async () => {
    const { alerts } = await place.client('dana').call(listAlerts, { params: { project: place.project } })
    const alert = alerts.find((one) => one.actions.some(({ run }) => run !== null))
    const id = alert?.actions.find(({ run }) => run !== null)?.run
    if (alert === undefined || id === undefined || id === null) return undefined
    const run = await place
      .client('dana')
      .call(getRun, { params: { project: place.project, number: Number(id.split('#')[1]) } })
    return { run, alert }
  })
}

export async function untilEnded(place: DemoPlace, number: number): Promise<RunDetail> {
  return until(`the end of ${place.project}#${number}`, async () => {
    const run = await place.client('dana').call(getRun, { params: { project: place.project, number } })
    return run.endedAt === null ? undefined : run
  })
}

/** What the drift monitor saw in as many windows as asked for, oldest first. */
export async function untilWindows(place: DemoPlace, version: number, count: number): Promise<MonitorWindow[]> {
  return until(`${count} windows of the drift monitor`, async () => {
    const { windows } = await place.client('dana').call(listMonitorWindows, { params: { project: place.project } })
    const own = windows.filter((one) => one.monitor === 'drift' && one.version === version)
    return own.length >= count ? own.reverse() : undefined
  })
}

export async function alertsOf(place: DemoPlace): Promise<Alert[]> {
  return (await place.client('dana').call(listAlerts, { params: { project: place.project } })).alerts
}

/** Between the decision to roll back and the moment when nothing of the version was answered any more. */
export async function rollbackMs(place: DemoPlace, version: number): Promise<number> {
  const times = new Map<string, number>()
  for (let after = 0; ;) {
    const { events } = await place
      .client('dana')
      .call(listEvents, { query: { project: place.project, after, limit: 1_000 } })
    for (const { kind, data, at } of events)
      if (kind === 'deployment.moved' && data['version'] === version) times.set(String(data['state']), at)
    const last = events.at(-1)
    if (last === undefined) break
    after = last.id
  }
  return (times.get('rolled-back') ?? Number.NaN) - (times.get('rolling-back') ?? Number.NaN)
}
