import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Readable } from 'node:stream'
import type * as S3 from '@aws-sdk/client-s3'
import type { S3Client } from '@aws-sdk/client-s3'
import { AppError } from '../../../core/errors.ts'
import type { DatasetSource, OpenedFile, OpenRequest, SourceFile } from '../../../core/ports/dataset-source.ts'

export interface S3Place {
  readonly bucket: string
  /** Ends in `/`, or is empty: everything below it. */
  readonly key: string
  readonly endpoint?: string
  readonly region?: string
  /** `ID:SECRET` or `ID:SECRET:SESSION`; absent: the installation's own, as the SDK finds them in the environment. */
  readonly secret?: string
  readonly maxFiles: number
}

type Sdk = typeof S3

/** An object or a prefix. The stamp of an object is its ETag and its size. */
export async function openS3Source(place: S3Place): Promise<DatasetSource> {
  const sdk = await loadSdk()
  const client = createClient(sdk, place)
  const isFolder = place.key === '' || place.key.endsWith('/')
  return {
    isFolder,
    list: (signal) => (isFolder ? listBelow(sdk, client, place, signal) : headObject(sdk, client, place, signal)),
    open: (file, ask, signal) => openObject(sdk, client, place, file, ask, signal),
    async [Symbol.asyncDispose]() {
      client.destroy()
    },
  }
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-s3')
  } catch (error) {
    throw new AppError(
      'INVALID_INPUT',
      'S3 needs the package @aws-sdk/client-s3, which was left out when Tidegate was installed. Install it beside tidegate.',
      {},
      { cause: error },
    )
  }
}

function createClient({ S3Client }: Sdk, { endpoint, region, secret }: S3Place): S3Client {
  const agents = {
    httpAgent: new HttpAgent({ keepAlive: true, proxyEnv: process.env }),
    httpsAgent: new HttpsAgent({ keepAlive: true, proxyEnv: process.env }),
  }
  return new S3Client({
    region: region ?? process.env['AWS_REGION'] ?? 'us-east-1',
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(secret === undefined ? {} : { credentials: credentialsOf(secret) }),
    // Servers that are not Amazon's do not know its newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { ...agents, connectionTimeout: 10_000, requestTimeout: 60_000 },
    maxAttempts: 3,
  })
}

function credentialsOf(secret: string) {
  const [accessKeyId = '', secretAccessKey = '', ...session] = secret.trim().split(':')
  if (accessKeyId === '' || secretAccessKey === '')
    throw new AppError('INVALID_INPUT', 'The secret of an S3 source is written ACCESS_KEY_ID:SECRET_ACCESS_KEY.')
  return {
    accessKeyId,
    secretAccessKey,
    ...(session.length === 0 ? {} : { sessionToken: session.join(':') }),
  }
}

async function headObject(sdk: Sdk, client: S3Client, place: S3Place, signal: AbortSignal): Promise<SourceFile[]> {
  const { bucket: Bucket, key: Key } = place
  const head = await client
    .send(new sdk.HeadObjectCommand({ Bucket, Key }), { abortSignal: signal })
    .catch((error: unknown) => translate(place, error, signal))
  return [{ path: '', size: head.ContentLength ?? 0, ...stamped(head.ETag, head.ContentLength) }]
}

async function listBelow(sdk: Sdk, client: S3Client, place: S3Place, signal: AbortSignal): Promise<SourceFile[]> {
  const files: SourceFile[] = []
  const pages = sdk.paginateListObjectsV2(
    { client },
    { Bucket: place.bucket, Prefix: place.key },
    { abortSignal: signal },
  )
  try {
    for await (const page of pages) {
      for (const { Key: key = '', Size: size = 0, ETag: etag } of page.Contents ?? []) {
        // What consoles make to show an empty folder.
        if (key.endsWith('/')) continue
        files.push({ path: key.slice(place.key.length), size, ...stamped(etag, size) })
      }
      if (files.length > place.maxFiles)
        throw new AppError('TOO_LARGE', `s3://${place.bucket}/${place.key} holds more than ${place.maxFiles} objects.`)
    }
  } catch (error) {
    return translate(place, error, signal)
  }
  if (files.length === 0) throw new AppError('INVALID_INPUT', `s3://${place.bucket}/${place.key} holds nothing.`)
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

function stamped(etag: string | undefined, size: number | undefined): { stamp?: string } {
  return etag === undefined ? {} : { stamp: `${etag} ${size ?? 0}` }
}

async function openObject(
  sdk: Sdk,
  client: S3Client,
  place: S3Place,
  file: SourceFile,
  { from, stamp }: OpenRequest,
  signal: AbortSignal,
): Promise<OpenedFile> {
  const known = stamp ?? file.stamp
  const etag = known?.slice(0, known.lastIndexOf(' '))
  const got = await client
    .send(
      new sdk.GetObjectCommand({
        Bucket: place.bucket,
        Key: place.key + file.path,
        ...(from > 0 ? { Range: `bytes=${from}-` } : {}),
        // Never half of one object and half of the next.
        ...(etag === undefined ? {} : { IfMatch: etag }),
      }),
      { abortSignal: signal },
    )
    .catch((error: unknown) => translate(place, error, signal))
  const size = got.ContentLength === undefined ? undefined : got.ContentLength + from
  return {
    kind: 'content',
    content: got.Body as Readable,
    start: from,
    ...(size === undefined ? {} : { size }),
    ...stamped(got.ETag, size),
  }
}

/** What the SDK and servers say, in our words. */
function translate({ bucket, key }: S3Place, error: unknown, signal: AbortSignal): never {
  signal.throwIfAborted()
  if (error instanceof AppError) throw error
  const place = `s3://${bucket}/${key}`
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode
  const options = { cause: error }
  if (name === 'CredentialsProviderError')
    throw new AppError('INVALID_INPUT', `${place} needs credentials: name a \`secret\`.`, {}, options)
  if (status === 404) throw new AppError('INVALID_INPUT', `${place} is not there.`, {}, options)
  if (status === 412)
    throw new AppError('UPSTREAM', `${place} was replaced while it was read.`, { replaced: true }, options)
  if (status === 401 || status === 403)
    throw new AppError('INVALID_INPUT', `${place} may not be read with these credentials (${name}).`, {}, options)
  if (status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429)
    throw new AppError('INVALID_INPUT', `${place}: ${name}: ${message}`, {}, options)
  throw new AppError('UPSTREAM', `${place} cannot be read: ${name}: ${message}`, {}, options)
}
