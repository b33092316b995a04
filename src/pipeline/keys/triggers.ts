import { z } from 'zod'
import { scheduleProblems } from '../next-time.ts'
import { CONCURRENCY_POLICIES, type ScheduleSpec, type TriggerFilter, type TriggerSpec } from '../pipeline.ts'
import { defined, refuse, Text } from './scalars.ts'

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

const Schedule = z
  .strictObject({
    cron: Text.max(200).describe('minute, hour, day of the month, month, day of the week: "0 4 * * 1"'),
    timezone: Text.max(100).default('UTC').describe('as Europe/Paris'),
  })
  .transform((raw, context): ScheduleSpec => {
    const problems = scheduleProblems(raw)
    for (const { key, message } of problems) refuse(context, message, [key])
    return { cron: raw.cron.trim().split(/\s+/).join(' '), timezone: raw.timezone }
  })

const Schedules = z
  .array(Schedule, { error: 'write a list: [{ cron: "0 4 * * 1", timezone: Europe/Paris }]' })
  .min(1)
  .max(20, 'write 20 or less')
  .superRefine((schedules, context) => {
    const seen = new Set<string>()
    for (const [index, { cron, timezone }] of schedules.entries()) {
      const key = `${cron} ${timezone}`
      if (seen.has(key)) context.addIssue({ code: 'custom', message: 'this schedule stands here twice', path: [index] })
      seen.add(key)
    }
  })

/** `on:` */
export const Triggers = z
  .strictObject({
    push: FilterOrEmpty.describe('pushes to branches of this project').exactOptional(),
    'pull-request': FilterOrEmpty.describe('pull requests').exactOptional(),
    schedule: Schedules.describe(
      'runs of the default branch at these times, with datasets frozen anew',
    ).exactOptional(),
  })
  .transform((raw): TriggerSpec =>
    defined({ push: raw.push, pullRequest: raw['pull-request'], schedule: raw.schedule }),
  )

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
