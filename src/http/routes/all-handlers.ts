import type { Installation } from '../../flow/installation.ts'
import type { Handlers } from '../handlers.ts'
import { acceptanceHandlers } from './acceptance.ts'
import { accessHandlers } from './access.ts'
import { artifactHandlers } from './artifacts.ts'
import { datasetHandlers } from './datasets.ts'
import { championHandlers } from './champion.ts'
import { deploymentHandlers } from './deployments.ts'
import { logHandlers } from './logs.ts'
import { monitoringHandlers } from './monitoring.ts'
import { projectHandlers } from './projects.ts'
import { reportHandlers } from './reports.ts'
import { runHandlers } from './runs.ts'
import { systemHandlers } from './system.ts'
import { testHandlers } from './tests.ts'
import { versionHandlers } from './versions.ts'

/** One handler for each operation; a missing one is a type error. */
export function allHandlers(installation: Installation): Handlers {
  return {
    ...systemHandlers(installation),
    ...accessHandlers(installation),
    ...projectHandlers(installation),
    ...runHandlers(installation),
    ...reportHandlers(installation),
    ...artifactHandlers(installation),
    ...logHandlers(installation),
    ...testHandlers(installation),
    ...versionHandlers(installation),
    ...datasetHandlers(installation),
    ...championHandlers(installation),
    ...deploymentHandlers(installation),
    ...acceptanceHandlers(installation),
    ...monitoringHandlers(installation),
  }
}
