import { z } from 'zod'
import { Build } from './build.ts'
import { DatasetEntry, DatasetPath } from './data.ts'
import { Environment } from './environments.ts'
import { Evaluation } from './evaluation.ts'
import { Gates } from './gates.ts'
import { Model } from './model.ts'
import { Notify } from './notify.ts'
import { EnvironmentVariables, Name } from './scalars.ts'
import { Step } from './steps.ts'
import { Concurrency, Deliver, Triggers } from './triggers.ts'

const ENVIRONMENT_HINT = 'write a name of small letters, digits and -'

/** The whole of tidegate.yaml. What joins one key to another is checked in `check-pipeline.ts`. */
export const PipelineFile = z.strictObject({
  version: z.literal(1, { error: 'write 1: it is the only version of this language' }).default(1),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'write small letters, digits and -')
    .describe('of the model; default: the project’s name')
    .exactOptional(),
  on: Triggers.describe('what starts a run; default: pushes and pull requests').exactOptional(),
  deliver: Deliver.describe('which branches register and deploy; default: the default branch').exactOptional(),
  concurrency: Concurrency.describe('which runs exclude one another').exactOptional(),
  build: Build.describe('build environments; default: found from the files in the repository').exactOptional(),
  data: z
    .record(DatasetPath, DatasetEntry)
    .describe('datasets outside git, by their path in the workspace')
    .default({}),
  env: EnvironmentVariables.describe('environment variables of every step').default({}),
  steps: z
    .record(Name, Step, { error: 'write steps as `train: { run: python train.py }`' })
    .refine((steps) => Object.keys(steps).length > 0, 'write one step at least: `train: { run: python train.py }`')
    .describe('a directed acyclic graph of commands'),
  model: Model.describe('what is built').exactOptional(),
  evaluation: Evaluation.describe('how candidate and champion are compared on held-out rows').exactOptional(),
  gates: Gates.describe('conditions that must hold before a version is registered').default([]),
  environments: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, ENVIRONMENT_HINT), Environment)
    .describe('where versions are served, in the order of delivery')
    .default({}),
  notify: Notify.describe('who is told').exactOptional(),
})
