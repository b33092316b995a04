import { z } from 'zod'
import { CONCURRENCY_POLICIES, type TriggerFilter, type TriggerSpec } from '../pipeline.ts'
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
  policy: z
    .enum(CONCURRENCY_POLICIES)
    .default('queue')
    .describe('a new run waits for those of its group, cancels them, or takes the place of those that wait'),
})
