import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { DEFAULT_DATASET_BYTES, type DatasetSettings } from '../../core/dataset-settings.ts'
import type { ToolSettings } from '../../core/tool-settings.ts'
import { AppError } from '../../core/errors.ts'
import { formatProblem, type Problem } from '../../core/problem.ts'
import { Duration, Size } from '../../pipeline/keys/scalars.ts'
import { keysAt, type JsonSchema } from '../../pipeline/schema.ts'
import { shapeProblems } from '../../pipeline/shape-problems.ts'
import { readYaml } from '../../pipeline/yaml-source.ts'
import { dataFolderOf } from './data-folder.ts'

const Port = z.number().int().min(0).max(65_535)

const IndexUrl = z.url({ protocol: /^https?$/, error: 'write an address such as https://pypi.example/simple' })

/** A name, a domain with a dot before it, an address; with or without a port. */
const HostName = z.string().regex(/^[A-Za-z0-9.*:[\]_/-]+$/, 'write the name of a host, or a domain as .example.com')

/** `server.yaml`: what an installation sets. Every member has a default; the file is optional. */
export const ServerFile = z.strictObject({
  data: z
    .string()
    .min(1)
    .optional()
    .describe(
      'folder for everything Tidegate keeps; default: TIDEGATE_DATA, else ~/.tidegate (root: /var/lib/tidegate)',
    ),
  database: z
    .string()
    .regex(/^(sqlite:|postgres(ql)?:\/\/)/, 'write postgres://user@host/name, or sqlite:/path/to/file')
    .optional()
    .describe('where state lives; default: TIDEGATE_DATABASE_URL, else SQLite in the data folder'),
  host: z
    .enum(['127.0.0.1', '::1', 'localhost'])
    .default('127.0.0.1')
    .describe('address to listen on; loopback only, put a TLS proxy in front for others'),
  port: Port.default(7070).describe('API, web page and git; 0 takes a free one'),
  'gateway-port': Port.default(7071).describe('predictions; 0 takes a free one'),
  'public-url': z
    .url('write an address as https://tidegate.example.com')
    .optional()
    .describe('the address people use, for links; default: what it listens on'),
  datasets: z
    .strictObject({
      files: z
        .array(z.string().startsWith('/', 'write an absolute path'))
        .default([])
        .describe('folders that `from: "file:…"` may read; beside those of TIDEGATE_FILE_SOURCES'),
      'max-size': Size.default(DEFAULT_DATASET_BYTES).describe('of one file of a dataset; default: 100GiB'),
      s3: z
        .strictObject({
          endpoint: z
            .url('write an address as http://minio.internal:9000')
            .optional()
            .describe('of a server that is not Amazon’s'),
          region: z.string().min(1).optional(),
          buckets: z
            .array(z.string().min(1))
            .default([])
            .describe(
              'that datasets may read with the credentials this server is started with (AWS_ACCESS_KEY_ID …); others need a `secret`',
            ),
        })
        .prefault({}),
    })
    .prefault({}),
  packages: z
    .strictObject({
      'index-url': IndexUrl.optional().describe('that pip and uv ask; default: as pip is configured on this machine'),
      'extra-index-urls': z.array(IndexUrl).default([]).describe('asked too; the best version of all counts'),
      'trusted-hosts': z.array(HostName).default([]).describe('whose certificates are not checked'),
    })
    .prefault({})
    .describe('where build environments come from'),
  network: z
    .strictObject({
      proxy: z
        .url({ protocol: /^https?$/, error: 'write http://proxy.example:3128' })
        .optional()
        .describe('for packages and datasets; default: HTTPS_PROXY of the server'),
      'no-proxy': z.array(HostName).default([]).describe('hosts and domains that are reached without it'),
      ca: z
        .string()
        .startsWith('/', 'write an absolute path')
        .optional()
        .describe(
          'file of the certificates that pip and uv trust in place of the known ones, and datasets beside them',
        ),
    })
    .prefault({})
    .describe('how packages and datasets are reached'),
  steps: z
    .strictObject({
      'first-user': z
        .number()
        .int()
        .min(1_000)
        .max(4_000_000)
        .default(200_000)
        .describe('when the server is root, attempts run as this user id and the 9,999 after it'),
      cpus: z.number().int().min(1).max(1_024).optional().describe('that steps may use at once; default: all'),
      sandbox: z
        .enum(['required', 'auto', 'off'])
        .default('off')
        .describe(
          'bubblewrap around the commands of steps: they see their workspace, build environment and the system, nothing else; `required`: `up` refuses to start without it',
        ),
      'log-limit': Size.optional().describe('of one attempt’s log that is kept; default: 1GiB'),
    })
    .prefault({}),
  keep: z
    .strictObject({
      logs: Duration.optional().describe('logs of attempts that have ended; default: 90d'),
      'log-size': Size.optional().describe('of all logs, before those of the oldest attempts go; default: 20GiB'),
      cache: Size.optional().describe('of cached outputs, before those used longest ago go; default: 50GiB'),
      tests: Duration.optional().describe('what runs said of single tests; default: 90d'),
      'test-runs': z
        .number()
        .int()
        .min(20)
        .max(10_000)
        .optional()
        .describe('newest results of each test that stay, however old they are; default: 100'),
    })
    .prefault({})
    .describe('what the collection of garbage leaves'),
})
export type ServerFile = z.infer<typeof ServerFile>

/** A complete configuration: paths absolute, environment variables taken in. */
export interface ServerConfig {
  readonly dataFolder: string
  readonly databaseUrl: string
  readonly host: string
  readonly port: number
  readonly gatewayPort: number
  readonly publicUrl: string | undefined
  readonly firstUser: number
  readonly cpus: number | undefined
  /** Absent: no folder, no bucket. */
  readonly datasets?: DatasetSettings | undefined
  /** Absent: as the machine is set up. */
  readonly tools?: ToolSettings | undefined
  readonly keep?: {
    readonly logMs?: number | undefined
    readonly logBytes?: number | undefined
    readonly cacheBytes?: number | undefined
    readonly testMs?: number | undefined
    readonly testRuns?: number | undefined
  }
  /** Absent: off. */
  readonly sandbox?: 'required' | 'auto' | 'off' | undefined
  /** Of one attempt; absent: the limit `logBytes`. */
  readonly logLimitBytes?: number | undefined
}

export interface ConfigSource {
  readonly file?: string | undefined
  /** From the command line; they win over the file. */
  readonly data?: string | undefined
  readonly port?: number | undefined
  readonly gatewayPort?: number | undefined
}

export async function readServerConfig(
  source: ConfigSource,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ServerConfig> {
  const file = source.file === undefined ? ServerFile.parse({}) : await readServerFile(source.file)
  const dataFolder = dataFolderOf(source.data, environment, file.data)
  return {
    dataFolder,
    databaseUrl: file.database ?? environment['TIDEGATE_DATABASE_URL'] ?? `sqlite:${join(dataFolder, 'state.db')}`,
    host: file.host,
    port: source.port ?? file.port,
    gatewayPort: source.gatewayPort ?? file['gateway-port'],
    publicUrl: file['public-url'],
    firstUser: file.steps['first-user'],
    cpus: file.steps.cpus,
    datasets: datasetSettings(file.datasets, environment),
    tools: toolSettings(file),
    sandbox: file.steps.sandbox,
    keep: {
      logMs: file.keep.logs,
      logBytes: file.keep['log-size'],
      cacheBytes: file.keep.cache,
      testMs: file.keep.tests,
      testRuns: file.keep['test-runs'],
    },
    logLimitBytes: file.steps['log-limit'],
  }
}

function toolSettings({ packages, network }: ServerFile): ToolSettings {
  return {
    packages: {
      indexUrl: packages['index-url'],
      extraIndexUrls: packages['extra-index-urls'],
      trustedHosts: packages['trusted-hosts'],
    },
    network: { proxy: network.proxy, noProxy: network['no-proxy'], ca: network.ca },
  }
}

function datasetSettings(
  { files, 'max-size': maxBytes, s3: { endpoint, region, buckets } }: ServerFile['datasets'],
  environment: NodeJS.ProcessEnv,
): DatasetSettings {
  const named = (environment['TIDEGATE_FILE_SOURCES'] ?? '').split(':').filter(Boolean)
  const place = { ...(endpoint === undefined ? {} : { endpoint }), ...(region === undefined ? {} : { region }) }
  return { files: [...files, ...named], maxBytes, s3: { ...place, buckets } }
}

async function readServerFile(file: string): Promise<ServerFile> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new AppError('INVALID_INPUT', `${file} cannot be read: ${(error as Error).message}`, {}, { cause: error })
  })
  const { value, problems } = parseServerFile(text, file)
  if (value !== undefined) return value
  throw new AppError('INVALID_INPUT', problems.map(formatProblem).join('\n'), { problems })
}

/** All problems at once, each with its place. */
export function parseServerFile(text: string, file: string): { value?: ServerFile; problems: Problem[] } {
  const yaml = readYaml(text, file)
  if (yaml.problems.length > 0) return { problems: [...yaml.problems] }
  const parsed = ServerFile.safeParse(yaml.value ?? {}, { reportInput: true })
  if (parsed.success) return { value: parsed.data, problems: [] }
  const schema = z.toJSONSchema(ServerFile, { io: 'input' }) as JsonSchema
  const problems = shapeProblems(parsed.error.issues, {
    yaml,
    knownKeys: (path) => keysAt(schema, path),
    foreignNames: {},
  })
  return { problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column) }
}
