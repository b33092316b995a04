import { join } from 'node:path'
import type { DeploymentRow } from '../db/tables.ts'
import type { LabelledCounts } from '../delivery/production/guard-rails.ts'
import type { Traffic } from '../delivery/traffic.ts'
import type { Analytics } from '../lib/open-analytics.ts'
import { joinLabels } from '../monitoring/join-labels.ts'
import { labelsSince } from '../monitoring/labels.sql.ts'
import { answerCases } from './answer-cases.ts'
import { championBundle } from './champion.ts'
import type { Installation } from './installation.ts'
import { hostIdOfDeployment } from './route-table.ts'

/** Delivery's view of the world that serves. */
export function createTraffic(installation: Installation, analytics: Analytics): Traffic {
  const { database, routes } = installation
  return {
    apply: () => routes.apply(),
    status: () => routes.status(),
    hostOf: hostIdOfDeployment,
    answerCases: (deployment, signal) => answerCases(installation, deployment, signal),
    championBundle: (deployment) => championBundle(database.read, deployment),
    async labelled(deployment) {
      if (deployment.champion === null) return undefined
      const count = (version: number) => labelledCounts(installation, analytics, deployment, version)
      return { challenger: await count(deployment.version), champion: await count(deployment.champion) }
    },
  }
}

/** Where the prediction log of an environment stands. */
export function predictionFolder(dataFolder: string, project: string, environment: string): string {
  return join(dataFolder, 'predictions', project, environment)
}

async function labelledCounts(
  { database, dataFolder }: Installation,
  analytics: Analytics,
  { project, environment, approved_at }: DeploymentRow,
  version: number,
): Promise<LabelledCounts> {
  const now = Date.now()
  const since = approved_at ?? now
  const question = {
    folder: predictionFolder(dataFolder, project, environment),
    version: String(version),
    size: { kind: 'time', ms: Math.max(1, now - since) },
    since,
    until: now,
  } as const
  const { labelled, correct } = await joinLabels(
    analytics,
    question,
    labelsSince(database.read, { project, environment, since }),
  )
  return { rows: labelled, right: correct }
}
