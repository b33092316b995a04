import { placeOfRun } from '../core/run-place.ts'
import { STAGES, STEP_STAGES, stageOfStep, type StageName, type StepStage } from '../core/stages.ts'
import type { DeploymentRow, RunRow } from '../db/tables.ts'
import type { StepProgress } from '../engine/steps.sql.ts'
import type { SessionRow } from '../delivery/acceptance/acceptance.sql.ts'

/** What the strip of one run is drawn from: rows only. */
export interface StripFacts {
  readonly run: RunRow
  readonly steps: readonly StepProgress[]
  readonly tests: {
    readonly passed: number
    readonly failed: number
    readonly skipped: number
    readonly quarantined: number
  }
  readonly gates: readonly { title: string; outcome: string; summary: string }[]
  /** Of this run's version, oldest first. */
  readonly deployments: readonly DeploymentRow[]
  readonly sessions: readonly SessionRow[]
  /** Who accepted, over all sessions. */
  readonly signers: readonly string[]
  /** The environment that is last in the rules; undefined where nothing is delivered. */
  readonly lastEnvironment: string | undefined
  readonly alerts: readonly { summary: string; state: string }[]
}

export interface StripStage {
  readonly number: number
  readonly name: StageName
  readonly title: string
  readonly state: 'none' | 'waiting' | 'running' | 'needs-person' | 'succeeded' | 'failed' | 'skipped'
  readonly seconds: number | null
  readonly summary: string
}

type Told = Pick<StripStage, 'state' | 'seconds' | 'summary'>

const NONE: Told = { state: 'none', seconds: null, summary: '' }

/** The eight stages of a run and of what followed it, each with its state and one sentence. */
export function stageStrip(facts: StripFacts): StripStage[] {
  const told: Record<StageName, Told> = {
    commit: tellCommit(facts),
    build: tellSteps(facts, 'build'),
    'unit-tests': tellTests(facts),
    'integration-tests': tellIntegration(facts),
    staging: tellDeployment(facts, (row) => row.environment !== facts.lastEnvironment),
    acceptance: tellAcceptance(facts),
    production: tellDeployment(facts, (row) => row.environment === facts.lastEnvironment),
    monitoring: tellMonitoring(facts),
  }
  return STAGES.map(({ number, name, title }) => ({ number, name, title, ...told[name] }))
}

function tellCommit({ run }: StripFacts): Told {
  const seconds = run.started_at === null ? null : (run.started_at - run.created_at) / 1_000
  if (run.state === 'invalid')
    return { state: 'failed', seconds, summary: run.reason ?? 'the pipeline file has problems' }
  return {
    state: 'succeeded',
    seconds,
    summary: `${run.commit_id.slice(0, 8)} on ${placeOfRun(run)} by ${run.person}: ${run.title}`,
  }
}

function tellSteps({ steps }: StripFacts, stage: StageName): Told {
  const own = steps.filter((step) => stageOfStep(step.stage as StepStage) === stage)
  if (own.length === 0) return NONE
  const failed = own.find((step) => step.state === 'failed')
  if (failed !== undefined)
    return {
      state: 'failed',
      seconds: spanOf(own),
      summary: `${failed.key}: ${failed.message ?? failed.reason ?? 'failed'}`,
    }
  return { state: stateOf(own, steps), seconds: spanOf(own), summary: summaryOf(own) }
}

function stateOf(own: readonly StepProgress[], all: readonly StepProgress[]): StripStage['state'] {
  const hasSome = (state: StepProgress['state']) => own.some((step) => step.state === state)
  if (hasSome('running')) return 'running'
  if (hasSome('waiting')) return hasSome('succeeded') ? 'running' : 'waiting'
  return hasSome('succeeded') && !own.some((step) => isMissed(step, all)) ? 'succeeded' : 'skipped'
}

/** Cancelled, or skipped behind something that did not end well: else it is its own `if` that did not want it. */
function isMissed(step: StepProgress, all: readonly StepProgress[]): boolean {
  if (step.state !== 'skipped') return step.state === 'cancelled'
  return all.some(
    (other) => (other.state === 'failed' || other.state === 'cancelled') && placeOf(other) <= placeOf(step),
  )
}

function placeOf({ stage }: StepProgress): number {
  return STEP_STAGES.indexOf(stage as StepStage)
}

function summaryOf(steps: readonly StepProgress[]): string {
  const hits = steps.filter((step) => step.cache === 'hit').map((step) => step.key)
  // A step that ran says what the cache had for it; one that a rerun adopted does not.
  const adopted = steps.filter((step) => step.state === 'succeeded' && step.cache === null).map((step) => step.key)
  const ran = steps
    .filter((step) => step.state === 'succeeded' && (step.cache === 'miss' || step.cache === 'off'))
    .map((step) => step.key)
  const named = (state: StepProgress['state']) => steps.filter((step) => step.state === state).map((step) => step.key)
  const [running, cancelled] = [named('running'), named('cancelled')]
  const parts = [
    running.length > 0 ? `running ${listed(running)}` : '',
    ran.length > 0 ? `ran ${listed(ran)}` : '',
    hits.length > 0 ? `from cache ${listed(hits)}` : '',
    adopted.length > 0 ? `taken over ${listed(adopted)}` : '',
  ]
  const said = parts.filter((part) => part !== '').join('; ')
  if (said === '') return steps.find((step) => step.why !== null)?.why ?? ''
  return cancelled.length === 0 ? said : `${said}; cancelled ${listed(cancelled)}`
}

/** One line of a strip has room for a few. */
function listed(names: readonly string[]): string {
  const more = names.length - MOST_LISTED
  return more <= 0 ? names.join(', ') : `${names.slice(0, MOST_LISTED).join(', ')} and ${more} more`
}

const MOST_LISTED = 10

function spanOf(steps: readonly StepProgress[]): number | null {
  const starts = steps.flatMap((step) => step.started_at ?? [])
  const ends = steps.flatMap((step) => step.ended_at ?? [])
  if (starts.length === 0 || ends.length === 0) return null
  return Math.max(0, Math.max(...ends) - Math.min(...starts)) / 1_000
}

function tellTests(facts: StripFacts): Told {
  const told = tellSteps(facts, 'unit-tests')
  const { passed, failed, skipped, quarantined } = facts.tests
  if (told.state === 'none' || passed + failed + skipped + quarantined === 0) return told
  const more = [
    skipped === 0 ? '' : `, ${skipped} skipped`,
    quarantined === 0 ? '' : `, ${quarantined} failed in quarantine`,
  ]
  const counts = `${passed} passed, ${failed} failed${more.join('')}`
  return { ...told, summary: told.state === 'failed' ? `${counts}. ${told.summary}` : counts }
}

function tellIntegration(facts: StripFacts): Told {
  const told = tellSteps(facts, 'integration-tests')
  if (facts.gates.length === 0 || told.state === 'none') return told
  const stopping = facts.gates.filter(({ outcome }) => outcome === 'fail' || outcome === 'inconclusive')
  const gates =
    stopping.length > 0 ? stopping.map((gate) => gate.summary).join('; ') : `${facts.gates.length} gates hold`
  return { ...told, summary: told.state === 'failed' && stopping.length === 0 ? told.summary : gates }
}

const DEPLOYMENT_STATE: Record<DeploymentRow['state'], StripStage['state']> = {
  queued: 'waiting',
  'awaiting-approval': 'needs-person',
  approved: 'running',
  starting: 'running',
  'rolling-out': 'running',
  held: 'needs-person',
  'awaiting-acceptance': 'succeeded',
  live: 'succeeded',
  replaced: 'succeeded',
  'rolling-back': 'failed',
  'rolled-back': 'failed',
  rejected: 'failed',
  expired: 'failed',
  failed: 'failed',
  superseded: 'skipped',
}

function tellDeployment({ deployments }: StripFacts, isOurs: (row: DeploymentRow) => boolean): Told {
  const row = deployments.findLast(isOurs)
  if (row === undefined) return NONE
  const end = row.live_at ?? row.ended_at
  const weight = row.state === 'rolling-out' ? ` at ${Math.round(row.weight * 100)} %` : ''
  // Testers deciding against a version says nothing of how it was deployed.
  const state = row.state === 'rejected' && row.approved_at !== null ? 'succeeded' : DEPLOYMENT_STATE[row.state]
  return {
    state,
    seconds: end === null || row.approved_at === null ? null : (end - row.approved_at) / 1_000,
    summary: `${row.model}@${row.version} ${row.state}${weight} in ${row.environment}${row.reason === null ? '' : `: ${row.reason}`}`,
  }
}

const SESSION_STATE = { accepted: 'succeeded', rejected: 'failed', void: 'skipped' } as const

function tellAcceptance({ deployments, sessions, signers }: StripFacts): Told {
  const session = sessions.at(-1)
  if (session === undefined) return NONE
  const deployment = deployments.find((row) => row.id === session.deployment_id)
  const seconds = session.ended_at === null ? null : (session.ended_at - session.created_at) / 1_000
  const testers = (JSON.parse(session.testers) as string[]).join(', ')
  if (session.state === 'open')
    return { state: 'needs-person', seconds, summary: `${session.required} of ${testers} must sign` }
  const reason = deployment?.reason ?? session.state
  return {
    state: SESSION_STATE[session.state],
    seconds,
    summary: session.state === 'accepted' ? `accepted by ${signers.join(', ')}` : reason,
  }
}

function tellMonitoring({ deployments, lastEnvironment, alerts }: StripFacts): Told {
  const live = deployments.findLast(
    (row) => row.environment === lastEnvironment && (row.state === 'live' || row.state === 'replaced'),
  )
  if (live === undefined) return NONE
  const firing = alerts.find((alert) => alert.state === 'firing') ?? alerts[0]
  if (firing !== undefined)
    return { state: firing.state === 'firing' ? 'failed' : 'succeeded', seconds: null, summary: firing.summary }
  return {
    state: live.state === 'live' ? 'running' : 'succeeded',
    seconds: null,
    summary: live.state === 'live' ? 'watched; nothing to report' : 'watched until it was replaced',
  }
}
