import type { Insertable } from 'kysely'
import { DEPLOYMENT_TRANSITIONS, type DeploymentState } from '../core/deployment-state.ts'
import { finalStates } from '../core/transitions.ts'
import type { Reader, Writer } from '../db/open-database.ts'
import type { DeploymentRow, Tables } from '../db/tables.ts'

/** States in which a deployment holds its environment: later ones queue behind it. */
export const ACTIVE: readonly DeploymentState[] = [
  'approved',
  'starting',
  'rolling-out',
  'held',
  'awaiting-acceptance',
  'rolling-back',
]

/** Waiting for people or for its turn: a newer deployment takes its place. */
export const WAITING: readonly DeploymentState[] = ['queued', 'awaiting-approval', 'approved', 'awaiting-acceptance']

const ENDED = finalStates<DeploymentState>(DEPLOYMENT_TRANSITIONS)

export async function insertDeployment(writer: Writer, row: Insertable<Tables['deployments']>): Promise<void> {
  await writer.insertInto('deployments').values(row).execute()
}

export async function getDeployment(reader: Reader, project: string, id: string): Promise<DeploymentRow | undefined> {
  return reader
    .selectFrom('deployments')
    .selectAll()
    .where('project', '=', project)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** Newest first. `before` is the id of the last one already seen. */
export async function listDeployments(
  reader: Reader,
  filter: { project: string; environment?: string | undefined; before?: string | undefined; limit: number },
): Promise<DeploymentRow[]> {
  let query = reader.selectFrom('deployments').selectAll().where('project', '=', filter.project)
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment)
  if (filter.before !== undefined) query = query.where('id', '<', filter.before)
  return query.orderBy('id', 'desc').limit(filter.limit).execute()
}

export async function deploymentsOfRun(reader: Reader, runId: string): Promise<DeploymentRow[]> {
  return reader.selectFrom('deployments').selectAll().where('run_id', '=', runId).orderBy('id').limit(200).execute()
}

export async function deploymentsOfVersion(reader: Reader, project: string, version: number): Promise<DeploymentRow[]> {
  return reader
    .selectFrom('deployments')
    .selectAll()
    .where('project', '=', project)
    .where('version', '=', version)
    .orderBy('id')
    .limit(200)
    .execute()
}

/** Everything that has not ended, oldest first: the loop's work, and what the route table is made of. */
export async function unfinishedDeployments(reader: Reader): Promise<DeploymentRow[]> {
  return reader
    .selectFrom('deployments')
    .selectAll()
    .where('state', 'not in', ENDED)
    .orderBy('id')
    .limit(10_000)
    .execute()
}

/** The last time this bundle went to an environment, whatever became of it. */
export async function lastOfBundle(
  reader: Reader,
  where: Pick<DeploymentRow, 'project' | 'environment' | 'bundle'>,
): Promise<DeploymentRow | undefined> {
  return inEnvironment(reader, where.project, where.environment)
    .where('bundle', '=', where.bundle)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** What serves an environment's champion traffic now. */
export async function liveDeployment(
  reader: Reader,
  project: string,
  environment: string,
): Promise<DeploymentRow | undefined> {
  return inEnvironment(reader, project, environment)
    .where('state', '=', 'live')
    .orderBy('live_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/**
 * What an environment goes back to from `live`, kept warm so that it is a pointer: the last that was replaced
 * there, other than the same bundle (a version that came back by a rollback is still `replaced` in the row of
 * its first life) and than bundles that were rolled back themselves.
 */
export async function previousDeployment(
  reader: Reader,
  live: Pick<DeploymentRow, 'project' | 'environment' | 'bundle'>,
): Promise<DeploymentRow | undefined> {
  const { project, environment, bundle } = live
  return inEnvironment(reader, project, environment)
    .where('state', '=', 'replaced')
    .where('bundle', '!=', bundle)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('refused_bundles')
            .select('refused_bundles.bundle')
            .whereRef('refused_bundles.bundle', '=', 'deployments.bundle')
            .where('refused_bundles.project', '=', project)
            .where('refused_bundles.environment', '=', environment)
            .where('refused_bundles.cleared_at', 'is', null),
        ),
      ),
    )
    .orderBy('live_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
}

export async function activeIn(
  reader: Reader,
  project: string,
  environment: string,
): Promise<DeploymentRow | undefined> {
  return inEnvironment(reader, project, environment)
    .where('state', 'in', ACTIVE)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
}

export async function waitingIn(reader: Reader, project: string, environment: string): Promise<DeploymentRow[]> {
  return inEnvironment(reader, project, environment).where('state', 'in', WAITING).orderBy('id').limit(1_000).execute()
}

export async function refusedBundle(
  reader: Reader,
  project: string,
  environment: string,
  bundle: string,
): Promise<Tables['refused_bundles'] | undefined> {
  return reader
    .selectFrom('refused_bundles')
    .selectAll()
    .where('project', '=', project)
    .where('environment', '=', environment)
    .where('bundle', '=', bundle)
    .where('cleared_at', 'is', null)
    .executeTakeFirst()
}

export async function refuseBundle(writer: Writer, deployment: DeploymentRow, reason: string): Promise<void> {
  const { project, environment, bundle, id } = deployment
  const row = { reason, deployment_id: id, at: Date.now(), cleared_by: null, cleared_at: null }
  await writer
    .insertInto('refused_bundles')
    .values({ project, environment, bundle, ...row })
    .onConflict((conflict) => conflict.columns(['project', 'environment', 'bundle']).doUpdateSet(row))
    .execute()
}

export async function clearRefusedBundle(
  writer: Writer,
  project: string,
  environment: string,
  bundle: string,
  by: string,
): Promise<boolean> {
  const rows = await writer
    .updateTable('refused_bundles')
    .set({ cleared_by: by, cleared_at: Date.now() })
    .where('project', '=', project)
    .where('environment', '=', environment)
    .where('bundle', '=', bundle)
    .where('cleared_at', 'is', null)
    .returning('bundle')
    .execute()
  return rows.length > 0
}

export async function approvalsOf(reader: Reader, deploymentId: string): Promise<Tables['approvals'][]> {
  return reader
    .selectFrom('approvals')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .orderBy('at')
    .orderBy('person')
    .limit(200)
    .execute()
}

/** A person's last word counts. */
export async function recordApproval(writer: Writer, approval: Tables['approvals']): Promise<void> {
  const { decision, bundle, comment, at } = approval
  await writer
    .insertInto('approvals')
    .values(approval)
    .onConflict((conflict) =>
      conflict.columns(['deployment_id', 'person']).doUpdateSet({ decision, bundle, comment, at }),
    )
    .execute()
}

/** Where queries about one environment begin. */
function inEnvironment(reader: Reader, project: string, environment: string) {
  return reader
    .selectFrom('deployments')
    .selectAll()
    .where('project', '=', project)
    .where('environment', '=', environment)
}
