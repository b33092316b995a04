import type { DeploymentRow } from '../db/tables.ts'
import type { EnvironmentSpec } from '../pipeline/pipeline.ts'

/** The rules a deployment was created under: the default branch's from before the change. */
export function rulesOf(deployment: Pick<DeploymentRow, 'rules'>): EnvironmentSpec {
  return JSON.parse(deployment.rules) as EnvironmentSpec
}

/** Who committed, pushed or started a change neither approves nor signs it, unless its environment says otherwise. */
export function mustLeaveToOthers(deployment: Pick<DeploymentRow, 'rules' | 'authors'>, person: string): boolean {
  const { approval } = rulesOf(deployment)
  if (approval !== 'none' && approval.allowSelfApproval) return false
  return (JSON.parse(deployment.authors) as string[]).includes(person)
}
