import { listDeployments, type Deployment } from '../../api/deployments.ts'
import type { Client } from '../../client/client.ts'
import { AppError } from '../../core/errors.ts'

/** The newest deployment of a version, in `environment` or in the state that is looked for. */
export async function findDeployment(
  client: Client,
  wanted: { project: string; version: number },
  environment: string | undefined,
  state: Deployment['state'],
): Promise<Deployment> {
  const query = environment === undefined ? {} : { environment }
  const { deployments } = await client.call(listDeployments, { params: { project: wanted.project }, query })
  const own = deployments.filter((deployment) => deployment.version === wanted.version)
  const found = own.find((deployment) => deployment.state === state)
  if (found !== undefined) return found
  const known = own.map((deployment) => `${deployment.environment}: ${deployment.state}`).join(', ')
  throw new AppError(
    'STATE_CONFLICT',
    `${wanted.project}@${wanted.version} has no deployment that is ${state}${known === '' ? '' : ` (${known})`}.`,
  )
}
