import { AppError } from '../../core/errors.ts'
import type { Database, Writer } from '../../db/open-database.ts'
import { appendEvents, lockEvents } from '../../db/outbox.ts'
import { clearRefusedBundle } from '../deployments.sql.ts'

export interface Clearance {
  readonly project: string
  readonly environment: string
  readonly bundle: string
  readonly by: string
  /** Kept for ever, with who said it. */
  readonly reason: string
}

/** A person allows a bundle that was rolled back in this environment to be delivered there again. */
export async function clearRefusal(writer: Writer, kind: Database['kind'], clearance: Clearance): Promise<void> {
  const { project, environment, bundle, by, reason } = clearance
  await lockEvents(writer, kind)
  if (!(await clearRefusedBundle(writer, project, environment, bundle, by)))
    throw new AppError('NOT_FOUND', `${bundle} is not refused in ${project}/${environment}.`)
  await appendEvents(writer, kind, [
    {
      kind: 'bundle.cleared',
      project,
      subject: `${project}/${environment}`,
      data: { environment, bundle, by, reason },
    },
  ])
}
