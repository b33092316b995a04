import { z } from 'zod'
import type { TriggerFilter, TriggerSpec } from '../pipeline.ts'
import { defined, Text } from './scalars.ts'

const Filter = z
  .strictObject({
    branches: z.array(Text).min(1).describe('only these branches (globs)').exactOptional(),
    'branches-ignore': z.array(Text).min(1).describe('not these branches (globs)').exactOptional(),
    tags: z.array(Text).min(1).describe('tags (globs) that start a run; without this key none does').exactOptional(),
    paths: z.array(Text).min(1).describe('only when one of these files changed (globs)').exactOptional(),
    'paths-ignore': z.array(Text).min(1).describe('not when only these files changed (globs)').exactOptional(),
  })
  .transform((raw): TriggerFilter =>
    defined({
      branches: raw.branches,
      branchesIgnore: raw['branches-ignore'],
      tags: raw.tags,
      paths: raw.paths,
      pathsIgnore: raw['paths-ignore'],
    }),
  )

const FilterOrEmpty = z.union([Filter, z.null().transform((): TriggerFilter => ({}))])

/** `on:` */
export const Triggers = z
  .strictObject({
    push: FilterOrEmpty.describe('pushes to branches of this project').exactOptional(),
    'pull-request': FilterOrEmpty.describe('pull requests').exactOptional(),
  })
  .transform((raw): TriggerSpec => defined({ push: raw.push, pullRequest: raw['pull-request'] }))

export const DEFAULT_TRIGGERS: TriggerSpec = { push: {}, pullRequest: {} }

/** `deliver:` */
export const Deliver = z.strictObject({
  branches: z.array(Text).min(1).describe('only these branches (globs) register and deploy'),
})

/** `concurrency:` */
export const Concurrency = z.strictObject({
  group: Text.describe('runs of one group wait for, or cancel, one another; may hold expressions'),
  policy: z.enum(['queue', 'cancel-running']).default('queue').describe('what a new run does to those of its group'),
})
