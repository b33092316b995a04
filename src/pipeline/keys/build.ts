import { z } from 'zod'
import type { BuildSpec } from '../pipeline.ts'
import { defined, Name, OneOrMoreFiles, refuse, Text } from './scalars.ts'

const PYTHON_HINT = 'write the version in quotes: "3.11"'

/** `build:` */
export const Build = z
  .strictObject({
    python: z
      .string({ error: PYTHON_HINT })
      .regex(/^3\.\d{1,2}(\.\d{1,2})?$/, PYTHON_HINT)
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

export const DEFAULT_BUILD: BuildSpec = { system: [], environments: {} }
