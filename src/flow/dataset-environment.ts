import { DATASET_SECRET, DATASET_SETTINGS, type DatasetSettings } from '../core/dataset-settings.ts'
import type { StepOpening } from '../engine/engine-options.ts'

/**
 * What the task that fetches a dataset gets beside the tools' environment: where it may go, and one
 * credential, the dataset's own secret or else the installation's. Node then asks proxies and trusts
 * authorities as the tools do.
 */
export function datasetEnvironment(
  opening: StepOpening,
  settings: DatasetSettings,
  secret: string | undefined,
  environment: NodeJS.ProcessEnv,
): StepOpening {
  const authorities = environment['NODE_EXTRA_CA_CERTS'] ?? environment['SSL_CERT_FILE']
  const own = Object.entries(environment).filter(([name]) => name.startsWith('AWS_'))
  const isCredential = ([name]: readonly [string, unknown]) => /KEY|SECRET|TOKEN/.test(name)
  const installation = {
    env: Object.fromEntries(own.filter((entry) => !isCredential(entry))) as Record<string, string>,
    secrets: Object.fromEntries(own.filter(isCredential)) as Record<string, string>,
  }
  const access = secret === undefined ? installation : { env: {}, secrets: { [DATASET_SECRET]: secret } }
  return {
    env: {
      ...opening.env,
      ...access.env,
      [DATASET_SETTINGS]: JSON.stringify(settings),
      NODE_USE_ENV_PROXY: '1',
      ...(authorities === undefined ? {} : { NODE_EXTRA_CA_CERTS: authorities }),
    },
    secrets: { ...opening.secrets, ...access.secrets },
  }
}
