import type { GatewayStatus } from '../core/route-table.ts'
import type { DeploymentRow } from '../db/tables.ts'
import type { LabelledCounts } from './production/guard-rails.ts'

/** What delivery needs of the world that serves; implemented by `flow/deployment-to-traffic.ts`. */
export interface Traffic {
  /** Makes traffic follow the rows as they are now; resolves when the gateway has the table in force. */
  apply(): Promise<void>
  status(): Promise<GatewayStatus>
  /** The id of the host that serves a deployment. */
  hostOf(deployment: DeploymentRow): string
  /** Answers to the environment's acceptance cases, through the gateway; both sides. */
  answerCases(
    deployment: DeploymentRow,
    signal: AbortSignal,
  ): Promise<{
    readonly testers: readonly string[]
    readonly championBundle: string | null
    readonly cases: readonly { id: string; spec: unknown; candidate: unknown; champion: unknown }[]
  }>
  /** The digest of what serves the last environment now: what acceptance compares with. */
  championBundle(deployment: DeploymentRow): Promise<string | null>
  /** Right and all labelled answers of both arms since the rollout began. */
  labelled(deployment: DeploymentRow): Promise<{ challenger: LabelledCounts; champion: LabelledCounts } | undefined>
}
