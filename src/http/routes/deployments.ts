import type { Deployment } from '../../api/deployments.ts'
import { expandNames } from '../../access/people.ts'
import { AppError } from '../../core/errors.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import type { Reader } from '../../db/open-database.ts'
import { rulesOf } from '../../delivery/rules-of.ts'
import { approvalsOf, getDeployment, listDeployments, liveDeployment } from '../../delivery/deployments.sql.ts'
import { decideApproval, requiredApprovals } from '../../delivery/production/approval.ts'
import { clearRefusal } from '../../delivery/production/clear-refusal.ts'
import { rollBackEnvironment } from '../../delivery/production/roll-back.ts'
import { resumeDeployment } from '../../delivery/production/resume-deployment.ts'
import { phasesOf } from '../../delivery/production/rollout.ts'
import { deployByHand } from '../../flow/deploy-by-hand.ts'
import type { Installation } from '../../flow/installation.ts'
import type { Call, Handlers } from '../handlers.ts'
import type { approveDeployment } from '../../api/deployments.ts'

type DeploymentHandlers = Pick<
  Handlers,
  | 'listDeployments'
  | 'getDeployment'
  | 'deployVersion'
  | 'approveDeployment'
  | 'rejectDeployment'
  | 'resumeDeployment'
  | 'rollBack'
  | 'clearRefusal'
>

export function deploymentHandlers(installation: Installation): DeploymentHandlers {
  const { database, routes } = installation
  const show = (row: DeploymentRow) => describeDeployment(database.read, row)
  return {
    async listDeployments({ params, query }) {
      const rows = await listDeployments(database.read, {
        project: params.project,
        environment: query.environment,
        before: query.before,
        limit: query.limit,
      })
      return { deployments: await Promise.all(rows.map(show)) }
    },
    getDeployment: async ({ params }) => show(await findDeployment(database.read, params)),
    deployVersion: async ({ params, body, identity }) =>
      show(await deployByHand(installation, { project: params.project, ...body, by: identity.person })),
    approveDeployment: (call) => decide(installation, call, 'approve'),
    rejectDeployment: (call) => decide(installation, call, 'reject'),
    async resumeDeployment({ params, body, identity }) {
      const deployment = await findDeployment(database.read, params)
      return show(
        await database.write((writer) =>
          resumeDeployment(writer, database.kind, deployment, identity.person, body.comment),
        ),
      )
    },
    async rollBack({ params, body, identity }) {
      const row = await database.write((writer) =>
        rollBackEnvironment(writer, database.kind, params, body.reason, identity.person),
      )
      await routes.apply()
      return show(row)
    },
    async clearRefusal({ params, body, identity }) {
      const clearance = { ...params, ...body, by: identity.person }
      await database.write((writer) => clearRefusal(writer, database.kind, clearance))
      return { done: true }
    },
  }
}

export async function findDeployment(
  reader: Reader,
  params: { project: string; deployment: string },
): Promise<DeploymentRow> {
  const row = await getDeployment(reader, params.project, params.deployment)
  if (row === undefined) throw new AppError('NOT_FOUND', `${params.project} has no deployment ${params.deployment}.`)
  return row
}

async function decide(
  installation: Installation,
  call: Call<typeof approveDeployment>,
  decision: 'approve' | 'reject',
): Promise<Deployment> {
  const { database } = installation
  const row = await database.write(async (writer) => {
    const deployment = await findDeployment(writer, call.params)
    const { approval } = rulesOf(deployment)
    const reviewers = approval === 'none' ? [] : await expandNames(writer, approval.reviewers)
    const { bundle, comment } = call.body
    return decideApproval(writer, database.kind, deployment, {
      person: call.identity.person,
      decision,
      bundle,
      comment,
      reviewers,
    })
  })
  return describeDeployment(database.read, row)
}

async function describeDeployment(reader: Reader, row: DeploymentRow): Promise<Deployment> {
  const rules = rulesOf(row)
  const champion = await liveDeployment(reader, row.project, row.environment)
  const approvals = await approvalsOf(reader, row.id)
  return {
    id: row.id,
    project: row.project,
    environment: row.environment,
    model: row.model,
    version: row.version,
    bundle: row.bundle,
    state: row.state,
    reason: row.reason,
    champion: row.champion,
    weight: row.weight,
    phase: row.phase,
    phases: phasesOf(rules, champion !== undefined).map(({ weight, forMs }) => ({ weight, forMs })),
    run: row.run_id,
    requestedBy: row.requested_by,
    reviewers: rules.approval === 'none' ? [] : [...rules.approval.reviewers],
    requiredApprovals: requiredApprovals(rules),
    approvals: approvals.map(({ person, decision, comment, at }) => ({ person, decision, comment, at })),
    createdAt: row.created_at,
    liveAt: row.live_at,
    endedAt: row.ended_at,
  }
}
