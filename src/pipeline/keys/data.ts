import { z } from 'zod'
import { SecretName } from '../../core/secret-name.ts'
import type { DatasetSource, DatasetSpec } from '../pipeline.ts'
import { defined, EnvironmentVariables, FilePath, PositiveDuration, refuse, Text } from './scalars.ts'

type Dataset = DatasetSpec extends infer S ? (S extends unknown ? Omit<S, 'path'> : never) : never
type Refuse = (message: string, path: readonly string[]) => never

const HINT = 'write `production`, `file:/absolute/path`, `https://…`, `s3://bucket/key`, `dvc` or `store`'

/** A dataset's place in the workspace, where it lies in the way of nothing else. */
export const DatasetPath = FilePath.transform((path, context) => {
  if (path === '.' || path === './')
    return refuse(context, 'name a file or a folder: a dataset is never the whole workspace')
  if (path === 'tidegate.yaml') return refuse(context, 'this is the pipeline file itself: choose another path')
  if (/[*?[{]/.test(path))
    return refuse(context, 'no pattern may stand here: a dataset is one file, or a folder with a / at its end')
  return path
})

/** One entry of `data:`, still without its path, which is the key. */
export const DatasetEntry = z
  .strictObject({
    from: Text.describe(
      '`production`, `file:/path/on/the/server`, `https://…`, `s3://bucket/key` (a folder with `/` at its end), `dvc`, or `store` (`tidegate data push`)',
    ).exactOptional(),
    run: Text.describe('a query: a command that writes the path').exactOptional(),
    deps: z.array(FilePath).describe('what the query reads: files, folders and globs of the commit').exactOptional(),
    build: Text.describe('of a query: a name of `build.environments`').exactOptional(),
    env: EnvironmentVariables.describe('of a query: environment variables').exactOptional(),
    secrets: z.array(SecretName).describe('of a query: names of secrets that become variables').exactOptional(),
    secret: SecretName.describe('the name of the secret that opens an https, S3 or DVC source').exactOptional(),
    window: PositiveDuration.describe('how far back production data goes').exactOptional(),
    labelled: z.boolean().describe('only production rows whose label has arrived').exactOptional(),
    only: z
      .array(z.literal('evaluation'))
      .length(1, 'write [evaluation]')
      .describe('`[evaluation]`: no step sees it')
      .exactOptional(),
    owners: z
      .array(Text)
      .min(1, 'write one person or group, or leave it out')
      .describe('people, and groups as `group:<name>`: a new digest needs the yes of one of them')
      .exactOptional(),
  })
  .transform((raw, context): Dataset => {
    const no: Refuse = (message, path) => refuse(context, message, [...path])
    const source = sourceOf(raw, no)
    const only = raw.only === undefined ? {} : { only: 'evaluation' as const }
    return { ...source, ...only, ...defined({ owners: raw.owners }) }
  })

type Raw = z.output<typeof DatasetEntry.in>

/** Members that only some sources have. */
const MEMBERS = {
  query: ['deps', 'build', 'env', 'secrets'],
  production: ['window', 'labelled'],
  file: [],
  https: ['secret'],
  s3: ['secret'],
  dvc: ['secret'],
  store: [],
} as const satisfies Record<DatasetSource['kind'], readonly (keyof Raw)[]>

function sourceOf(raw: Raw, no: Refuse): DatasetSource {
  const source = raw.run === undefined ? fromOf(raw, no) : queryOf(raw, raw.run, no)
  // Refused: its kind is none of ours.
  if (!Object.hasOwn(MEMBERS, source.kind)) return source
  const own: readonly string[] = MEMBERS[source.kind]
  const all = new Set(Object.values(MEMBERS).flat())
  const foreign = [...all].filter((member) => raw[member] !== undefined && !own.includes(member))
  for (const member of foreign) no(`\`${member}\` belongs to ${ownersOf(member)}`, [member])
  return source
}

function ownersOf(member: string): string {
  const kinds = Object.entries(MEMBERS).filter(([, members]) => (members as readonly string[]).includes(member))
  return kinds.map(([kind]) => sayKind(kind)).join(', ')
}

function sayKind(kind: string): string {
  return kind === 'query' ? 'a query (`run`)' : `\`from: ${kind}\``
}

function queryOf(raw: Raw, run: string, no: Refuse): DatasetSource {
  if (raw.from !== undefined) return no('write `from`, or `run` for a query, not both', ['from'])
  const { deps, build, env = {}, secrets = [] } = raw
  if (deps === undefined) return no('a query says what it reads: write `deps: [extract.py]`, or `deps: []`', ['run'])
  return { kind: 'query', run, deps, env, secrets, ...defined({ build }) }
}

function fromOf(raw: Raw, no: Refuse): DatasetSource {
  const { from, secret, window, labelled = false } = raw
  if (from === undefined) return no(`say where it comes from: ${HINT}, or \`run\` for a query`, [])
  if (from === 'production') return { kind: 'production', ...defined({ windowMs: window }), labelled }
  if (from === 'store') return { kind: 'store' }
  const dvc = /^dvc(?::(.+))?$/.exec(from)
  if (dvc !== null) return dvcOf(dvc[1], secret, no)
  if (from.startsWith('http:')) return no('write https: what comes over plain http may be anybody’s', ['from'])
  if (from.startsWith('https://')) return { kind: 'https', url: urlOf(from, no), ...defined({ secret }) }
  if (from.startsWith('s3:')) return { ...s3Of(from, no), ...defined({ secret }) }
  const file = /^file:(?:\/\/)?(\/.*)$/.exec(from)?.[1]
  return file === undefined ? no(HINT, ['from']) : { kind: 'file', source: file }
}

function dvcOf(out: string | undefined, secret: string | undefined, no: Refuse): DatasetSource {
  if (out === undefined) return { kind: 'dvc', ...defined({ secret }) }
  const path = FilePath.safeParse(out)
  if (!path.success) return no('write `dvc`, or `dvc:` and the path of an output of DVC in the repository', ['from'])
  return { kind: 'dvc', out: path.data, ...defined({ secret }) }
}

function urlOf(text: string, no: Refuse): string {
  if (!URL.canParse(text)) return no('this is no address', ['from'])
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    return no('leave user and password out of the address: everybody can read this file. Name a `secret`', ['from'])
  url.hash = ''
  return url.href
}

function s3Of(text: string, no: Refuse): { kind: 's3'; bucket: string; key: string } {
  const [, bucket, key] = /^s3:\/\/([a-z0-9][a-z0-9._-]{1,62})(?:\/(.*))?$/s.exec(text) ?? []
  if (bucket === undefined) return no('write s3://bucket/key, or s3://bucket/folder/', ['from'])
  return { kind: 's3', bucket, key: key ?? '' }
}

export function namedDataset(path: string, dataset: Dataset): DatasetSpec {
  return { ...dataset, path }
}
