import type { EnvironmentStatus } from '../../api/projects.ts'
import type { ArmCounters, GatewayStatus } from '../../core/route-table.ts'
import { LATENCY_BUCKETS_MS } from '../../core/route-table.ts'
import { hasRole, requireRole } from '../../access/require-role.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import { unfinishedDeployments } from '../../delivery/deployments.sql.ts'
import { hostIdOfDeployment } from '../../flow/route-table.ts'
import { lintForProject } from '../../flow/lint-for-project.ts'
import { removeProject } from '../../flow/remove-project.ts'
import type { Installation } from '../../flow/installation.ts'
import { createProject, getProject, listProjects, setPriority, type Project } from '../../source/projects.ts'
import { schedulesOf } from '../../source/schedules.sql.ts'
import type { Handlers } from '../handlers.ts'

export function projectHandlers(
  installation: Installation,
): Pick<
  Handlers,
  'listProjects' | 'addProject' | 'setProject' | 'removeProject' | 'getProject' | 'lintProject' | 'listEnvironments'
> {
  const { database, dataFolder, gateway } = installation
  const asAnswer = (project: Project) => ({
    name: project.name,
    repository: project.repository,
    defaultBranch: project.defaultBranch,
    path: project.path,
    priority: project.priority,
    gitUrl: `${installation.publicUrl}/${project.repository}.git`,
    createdAt: project.createdAt,
  })
  return {
    async listProjects({ identity }) {
      const seen: Project[] = []
      for (const project of await listProjects(database.read)) {
        if (await hasRole(database.read, identity, project.name, 'viewer')) seen.push(project)
      }
      return { projects: seen.map(asAnswer) }
    },
    async addProject({ body, identity }) {
      return asAnswer(await createProject(database, dataFolder, body, identity.person))
    },
    async setProject({ params, body, identity }) {
      // Of the whole installation: what one project gets, others do not.
      await requireRole(database.read, identity, '*', 'admin')
      return asAnswer(await setPriority(database, params.project, body.priority, identity.person))
    },
    async removeProject({ params, query, identity }) {
      await requireRole(database.read, identity, '*', 'admin')
      const stopServing = query.stopServing === 'yes'
      await removeProject(installation, { ...params, confirm: query.confirm, stopServing, by: identity.person })
      return { done: true }
    },
    async getProject({ params }) {
      const project = await getProject(database.read, params.project)
      const rows = await schedulesOf(database.read, project.name)
      const schedules = rows.map(({ cron, timezone, next_at, last_at, last_run }) => {
        return { cron, timezone, nextAt: next_at, lastAt: last_at, lastRun: last_run }
      })
      return { ...asAnswer(project), schedules }
    },
    async lintProject({ params, body }) {
      return { problems: await lintForProject(installation, { project: params.project, ...body }) }
    },
    async listEnvironments({ params }) {
      await getProject(database.read, params.project)
      const rows = (await unfinishedDeployments(database.read)).filter(({ project }) => project === params.project)
      const status = await gateway.status()
      const names = [...new Set(rows.sort((a, b) => a.position - b.position).map(({ environment }) => environment))]
      return {
        environments: names.map((name) =>
          describe(
            installation,
            rows.filter(({ environment }) => environment === name),
            status,
          ),
        ),
      }
    },
  }
}

const CHALLENGING = new Set(['starting', 'rolling-out', 'held', 'awaiting-acceptance'])

function describe(
  installation: Installation,
  rows: readonly DeploymentRow[],
  status: GatewayStatus,
): EnvironmentStatus {
  const live = rows.findLast(({ state }) => state === 'live')
  const challenger = rows.findLast(({ state }) => CHALLENGING.has(state))
  const serving = live ?? challenger
  const { project = '', environment = '', model = '' } = rows[0] ?? {}
  return {
    environment,
    endpoint:
      serving === undefined ? null : `${installation.gateway.address}/${project}/${environment}/v2/models/${model}`,
    champion: live?.version ?? null,
    challenger: challenger?.version ?? null,
    weight: challenger?.weight ?? 0,
    arms: [live, challenger].flatMap((row, index) =>
      row === undefined ? [] : [describeArm(row, index === 0 ? 'champion' : 'challenger', status)],
    ),
  }
}

function describeArm(
  row: DeploymentRow,
  arm: 'champion' | 'challenger',
  status: GatewayStatus,
): EnvironmentStatus['arms'][number] {
  const host = status.hosts.find(({ id }) => id === hostIdOfDeployment(row))
  // Counters of the phases before stand ahead of those of this one.
  const counted = status.counters.findLast(
    (one) => one.project === row.project && one.environment === row.environment && one.version === String(row.version),
  )
  return {
    arm,
    version: String(row.version),
    host: host?.state ?? 'absent',
    reason: host?.reason ?? counted?.lastError ?? null,
    requests: counted?.requests ?? 0,
    errors: counted?.errors ?? 0,
    latencyP50Ms: percentile(counted, 0.5),
    latencyP99Ms: percentile(counted, 0.99),
  }
}

/** The upper bound of the bucket that holds it: an answer that is never too small. */
function percentile(counters: ArmCounters | undefined, share: number): number | null {
  const total = counters?.latency.reduce((sum, count) => sum + count, 0) ?? 0
  if (counters === undefined || total === 0) return null
  let seen = 0
  for (const [index, count] of counters.latency.entries()) {
    seen += count
    if (seen >= share * total) return LATENCY_BUCKETS_MS[index] ?? null
  }
  return null
}
