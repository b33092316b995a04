import { forgetProject } from '../access/forget-project.ts'
import { AppError } from '../core/errors.ts'
import type { Reader } from '../db/open-database.ts'
import { appendEvents, lockEvents } from '../db/outbox.ts'
import { unfinishedDeployments, WAITING } from '../delivery/deployments.sql.ts'
import { tryMoveDeployment } from '../delivery/move-deployment.ts'
import type { DeploymentRow } from '../db/tables.ts'
import { listActiveRuns } from '../engine/runs.sql.ts'
import { getProject, removeProject as removeRow } from '../source/projects.ts'
import { leaveRepository } from '../source/repositories.ts'
import type { Installation } from './installation.ts'

export interface Removal {
  readonly project: string
  /** The name again: whoever types it means this project. */
  readonly confirm: string
  /** Also where versions of it serve: their endpoints answer nobody any more. */
  readonly stopServing: boolean
  readonly by: string
}

type Needs = Pick<Installation, 'database' | 'dataFolder' | 'routes'>

/**
 * Takes a project out: nobody can push to it or start anything of it, and its secrets, roles and schedules are gone. What it
 * did stays to be looked at (runs, versions, deployments, events), logs and content for their time, and an added project
 * of the same name goes on from there. Fails with STATE_CONFLICT while runs are under way or traffic moves, where
 * other projects are in its repository, and where versions serve that nobody said to stop. Idempotent after a crash.
 */
export async function removeProject({ database, dataFolder, routes }: Needs, removal: Removal): Promise<void> {
  const { project: name, by } = removal
  const project = await getProject(database.read, name)
  if (removal.confirm !== name) throw unconfirmed(removal)
  const isLast = await database.write(async (writer) => {
    await lockEvents(writer, database.kind)
    await refuseRuns(writer, name)
    const deployments = (await unfinishedDeployments(writer)).filter((one) => one.project === name)
    refuseDeployments(deployments, removal)
    for (const deployment of deployments) {
      const event = deployment.state === 'live' ? 'replace' : 'supersede'
      const set = { ended_at: Date.now(), weight: 0 }
      await tryMoveDeployment(writer, database.kind, deployment, {
        event,
        reason: `${by} removed the project`,
        by,
        set,
      })
    }
    const left = await removeRow(writer, project)
    await forgetProject(writer, name)
    const data = { by, repository: project.repository, path: project.path }
    await appendEvents(writer, database.kind, [{ kind: 'project.removed', project: name, subject: name, data }])
    return left.length === 0
  })
  await routes.apply()
  if (isLast) await leaveRepository(dataFolder, project)
}

function unconfirmed({ project, confirm }: Removal): AppError {
  return new AppError(
    'INVALID_INPUT',
    `"${confirm}" is not the name of the project that is to go, "${project}". Nothing was removed.`,
  )
}

async function refuseRuns(reader: Reader, name: string): Promise<void> {
  const runs = (await listActiveRuns(reader)).filter(({ project }) => project === name).map(({ id }) => id)
  if (runs.length === 0) return
  const more = runs.length > 3 ? ` and ${runs.length - 3} more` : ''
  throw new AppError(
    'STATE_CONFLICT',
    `${runs.slice(0, 3).join(', ')}${more} of ${name} have not ended. Wait for them, or \`tidegate cancel\` them.`,
    { runs: runs.slice(0, 100) },
  )
}

function refuseDeployments(deployments: readonly DeploymentRow[], { project, stopServing }: Removal): void {
  const moving = deployments.find(({ state }) => state !== 'live' && !CAN_BE_DROPPED.has(state))
  if (moving !== undefined) {
    const { environment, model, version, state } = moving
    throw new AppError(
      'STATE_CONFLICT',
      `${model}@${version} is on its way to ${environment} (${state}). Wait for it, or \`tidegate rollback ${project} ${environment}\`.`,
    )
  }
  const live = deployments.filter(({ state }) => state === 'live')
  if (live.length === 0 || stopServing) return
  const what = live.map(({ environment, model, version }) => `${model}@${version} in ${environment}`).join(', ')
  throw new AppError(
    'STATE_CONFLICT',
    `${project} serves ${what}: whoever asks there would get no answer any more. Say so with --stop-serving.`,
    { environments: live.map(({ environment }) => environment) },
  )
}

/** They wait, and have no traffic. */
const CAN_BE_DROPPED: ReadonlySet<string> = new Set(WAITING.filter((state) => state !== 'awaiting-acceptance'))
