import type { FreezeDatasetDeps } from './build/freeze-dataset.ts'
import { remoteKind } from './build/freeze-dvc.ts'
import { DATASET_SECRET, DATASET_SETTINGS, NO_DATASETS, type DatasetSettings } from './core/dataset-settings.ts'
import { AppError } from './core/errors.ts'
import { limit } from './core/limits.ts'
import { DATASET_SOURCES } from './drivers/dataset/dataset-sources.ts'
import { allowedPath } from './drivers/dataset/folder/folder-source.ts'
import { sha256 } from './lib/sha256.ts'
import type { DvcOut } from './pipeline/dvc-out.ts'

interface S3Address {
  readonly bucket: string
  readonly key: string
  readonly endpoint?: string
  readonly region?: string
}

/** How a task's process reaches what datasets come from: drivers, with the installation's settings and a secret. */
export function datasetAccess(environment: Readonly<Record<string, string>>): FreezeDatasetDeps {
  const given = environment[DATASET_SETTINGS]
  const settings = given === undefined ? NO_DATASETS : (JSON.parse(given) as DatasetSettings)
  const secret = environment[DATASET_SECRET]
  const withSecret = secret === undefined ? {} : { secret }
  const openS3 = async (address: S3Address) =>
    DATASET_SOURCES.s3({ ...s3Place(address, settings, secret), maxFiles: limit('datasetFiles') })
  const openHttps = async (url: string) => DATASET_SOURCES.https({ url, ...withSecret })
  const allowed = (path: string) => allowedPath(path, settings.files)
  return {
    allowedPath: allowed,
    openHttps,
    openS3,
    async openRemote(address, { remote }: DvcOut) {
      const kind = remoteKind(address)
      if (kind === 'folder') return DATASET_SOURCES.folder(await allowed(address))
      return kind === 'https' ? openHttps(address) : openS3({ ...remote, ...splitS3(address) })
    },
    maxBytes: settings.maxBytes,
    access: sha256(JSON.stringify([secret ?? environment['AWS_ACCESS_KEY_ID'] ?? '', settings.s3.endpoint ?? ''])),
  }
}

/** The installation's own credentials go to its own server and to the buckets that an administrator names. */
function s3Place(address: S3Address, { s3 }: DatasetSettings, secret: string | undefined) {
  const { bucket, key } = address
  const endpoint = address.endpoint ?? s3.endpoint
  const region = address.region ?? s3.region
  if (secret === undefined && s3.buckets !== 'all') refuseForeign(address, s3)
  return {
    bucket,
    key,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(secret === undefined ? {} : { secret }),
  }
}

function refuseForeign({ bucket, endpoint }: S3Address, s3: DatasetSettings['s3']): void {
  const isOwnServer = endpoint === undefined || endpoint === s3.endpoint
  if (isOwnServer && s3.buckets.includes(bucket)) return
  throw new AppError(
    'INVALID_INPUT',
    `s3://${bucket} may not be read with this server's own credentials. Name a \`secret\` of the project that may, or let an administrator add the bucket to \`datasets.s3.buckets\` of server.yaml.`,
  )
}

function splitS3(address: string): { bucket: string; key: string } {
  const [bucket = '', ...key] = address.slice('s3://'.length).split('/')
  return { bucket, key: key.join('/') }
}
