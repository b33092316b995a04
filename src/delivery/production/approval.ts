import { AppError } from '../../core/errors.ts'
import type { Database, Writer } from '../../db/open-database.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import type { EnvironmentSpec } from '../../pipeline/pipeline.ts'
import { approvalsOf, recordApproval } from '../deployments.sql.ts'
import { mustLeaveToOthers, rulesOf } from '../rules-of.ts'
import { moveDeployment } from '../move-deployment.ts'
import { appendEvents } from '../../db/outbox.ts'

export interface Decision {
  readonly person: string
  readonly decision: 'approve' | 'reject'
  /** The digest the person looked at. */
  readonly bundle: string
  readonly comment: string
  /** People the environment's reviewers stand for, groups resolved. Empty: anybody who holds the role. */
  readonly reviewers: readonly string[]
}

/**
 * Why a person is asked before this deployment, or undefined when nobody needs to be: the rules say so, or
 * it is the first in an environment that nobody was asked for.
 */
export function approvalNeeded(rules: EnvironmentSpec, isLast: boolean, hasChampion: boolean): string | undefined {
  if (rules.approval !== 'none')
    return `${rules.approval.required} of ${rules.approval.reviewers.join(', ')} must approve`
  if (isLast && !hasChampion) return 'the first version in the last environment always needs a person'
  return undefined
}

export function requiredApprovals(rules: EnvironmentSpec): number {
  return rules.approval === 'none' ? 1 : rules.approval.required
}

/** Records a person's word on a waiting deployment and moves it when that decides. */
export async function decideApproval(
  writer: Writer,
  kind: Database['kind'],
  deployment: DeploymentRow,
  decision: Decision,
): Promise<DeploymentRow> {
  refuseStale(deployment, decision)
  refuseSelf(deployment, decision.person)
  refuseStranger(deployment, decision)
  await recordApproval(writer, {
    deployment_id: deployment.id,
    person: decision.person,
    decision: decision.decision,
    bundle: decision.bundle,
    comment: decision.comment,
    at: Date.now(),
  })
  const data = {
    deployment: deployment.id,
    version: deployment.version,
    environment: deployment.environment,
    person: decision.person,
    decision: decision.decision,
    comment: decision.comment,
  }
  await appendEvents(writer, kind, [
    {
      kind: 'approval.given',
      project: deployment.project,
      subject: `${deployment.project}/${deployment.environment}`,
      data,
    },
  ])
  return settle(writer, kind, deployment, decision)
}

async function settle(
  writer: Writer,
  kind: Database['kind'],
  deployment: DeploymentRow,
  decision: Decision,
): Promise<DeploymentRow> {
  const { person, comment } = decision
  if (decision.decision === 'reject') {
    const reason = `${person} rejected it${comment === '' ? '' : `: ${comment}`}`
    return moveDeployment(writer, kind, deployment, {
      event: 'reject',
      reason,
      by: person,
      set: { ended_at: Date.now() },
    })
  }
  // Who speaks now is named last also where the clock says that somebody else spoke in the same millisecond.
  const before = (await approvalsOf(writer, deployment.id))
    .filter((approval) => approval.decision === 'approve' && approval.person !== person)
    .map((approval) => approval.person)
  const given = [...before, person]
  const required = requiredApprovals(rulesOf(deployment))
  if (given.length < required) return deployment
  return moveDeployment(writer, kind, deployment, {
    event: 'approve',
    reason: `approved by ${given.join(', ')}`,
    by: person,
    set: { approved_at: Date.now() },
  })
}

function refuseStale(deployment: DeploymentRow, decision: Decision): void {
  if (deployment.state !== 'awaiting-approval') {
    throw new AppError(
      'STATE_CONFLICT',
      `Version ${deployment.version} in ${deployment.environment} does not wait for approval: it is ${deployment.state}.`,
    )
  }
  if (deployment.bundle === decision.bundle) return
  throw new AppError(
    'STALE_DIGEST',
    `What waits is ${deployment.bundle}, not ${decision.bundle}. Look at the deployment again before you decide.`,
  )
}

function refuseSelf(deployment: DeploymentRow, person: string): void {
  if (!mustLeaveToOthers(deployment, person)) return
  throw new AppError(
    'SELF_APPROVAL',
    `${person} committed, pushed or started this change, so somebody else must decide (\`allow-self-approval: true\` would allow it).`,
  )
}

function refuseStranger(deployment: DeploymentRow, decision: Decision): void {
  if (decision.reviewers.length === 0 || decision.reviewers.includes(decision.person)) return
  throw new AppError(
    'FORBIDDEN',
    `${decision.person} is not a reviewer of ${deployment.environment}; reviewers are ${decision.reviewers.join(', ')}.`,
  )
}
