import type { Database } from '../db/open-database.ts'
import type { DeploymentRow } from '../db/tables.ts'
import type { Traffic } from './traffic.ts'

/** What the delivery of versions works with. */
export interface DeliveryOptions {
  readonly database: Database
  readonly traffic: Traffic
  readonly log: { info(facts: object, event: string): void; error(facts: object, event: string): void }
  /** Whether an environment is the last of its project's pipeline. */
  isLast(deployment: DeploymentRow): Promise<boolean>
}
