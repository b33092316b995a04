import { z } from 'zod'
import type { BuildSpec } from '../pipeline.ts'
import { defined, FilePath, Name, OneOrMoreFiles, refuse, Text } from './scalars.ts'

function pythonHint({ input }: { readonly input?: unknown }): string {
  if (typeof input === 'number') return `write the version in quotes: "${input}"`
  if (typeof input === 'string' && /^\s*([<>=~^!]|\d[\d.]*\s*[,|-])/.test(input))
    return 'a range is not taken: write one version, as "3.11"'
  return 'write one version in quotes, as "3.11"'
}

/** Others would let a secret choose which program the server runs. */
const IndexSecret = z
  .string()
  .regex(
    /^(PIP_INDEX_URL|PIP_EXTRA_INDEX_URL|UV_DEFAULT_INDEX|UV_INDEX|UV_INDEX_[A-Z0-9_]+_(USERNAME|PASSWORD))$/,
    'write PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, UV_DEFAULT_INDEX, UV_INDEX or UV_INDEX_<NAME>_USERNAME and _PASSWORD',
  )

const Package = z
  .union(
    [
      z.boolean(),
      z.strictObject({
        path: FilePath.describe('folder of its pyproject.toml or setup.py; default: the root').default('./'),
      }),
    ],
    { error: 'write `package: true`, or { path: packages/core }' },
  )
  .transform((raw) => (typeof raw === 'boolean' ? (raw ? { path: './' } : undefined) : raw))

const Image = z
  .union(
    [
      z.boolean(),
      z.strictObject({
        file: FilePath.describe('default: Dockerfile').default('Dockerfile'),
        context: FilePath.describe('folder that it may copy from; default: the root').default('./'),
        target: Text.describe('the stage that is wanted, of several').exactOptional(),
        deps: z
          .array(FilePath)
          .describe('what it may copy, outs of steps too (`dist/`, the model); default: the commit below `context`')
          .exactOptional(),
      }),
    ],
    { error: 'write `image: true`, or { file: Dockerfile }' },
  )
  .transform((raw) => (typeof raw === 'boolean' ? (raw ? { file: 'Dockerfile', context: './' } : undefined) : raw))

/** `build:` */
export const Build = z
  .strictObject({
    python: z
      .string({ error: pythonHint })
      .regex(/^3\.\d{1,2}(\.\d{1,2})?$/, { error: pythonHint })
      .describe('Python version; default: what the machine has and the files allow')
      .exactOptional(),
    dependencies: OneOrMoreFiles.describe('requirement files, pyproject.toml or setup.py').exactOptional(),
    environments: z
      .record(Name, OneOrMoreFiles)
      .describe('further build environments, for steps that say `build: <name>`')
      .default({}),
    interpreter: Text.startsWith('/', 'write the absolute path of a Python interpreter')
      .describe('use this interpreter as it is, instead of building an environment')
      .exactOptional(),
    package: Package.describe('make a wheel of the commit: an out of the run, `dist/`').exactOptional(),
    image: Image.describe('build a container image of the commit: an out of the run, `image.oci/`').exactOptional(),
    secrets: z
      .array(IndexSecret)
      .describe('secrets that pip and uv read as variables: addresses and passwords of package indexes')
      .default([]),
    system: z.array(Text).describe('libraries that must be there; checked, not installed').default([]),
  })
  .transform((raw, context): BuildSpec => {
    if (raw.interpreter !== undefined && raw.dependencies !== undefined) {
      return refuse(context, 'write `interpreter` or `dependencies`: an interpreter brings its own', ['interpreter'])
    }
    if (raw.environments['default'] !== undefined) {
      return refuse(context, 'the default one is `dependencies`; choose another name', ['environments', 'default'])
    }
    return defined(raw)
  })

export const DEFAULT_BUILD: BuildSpec = { system: [], secrets: [], environments: {} }
