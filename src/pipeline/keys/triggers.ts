import { z } from 'zod'
import { scheduleProblems } from '../next-time.ts'
import { CONCURRENCY_POLICIES, type ScheduleSpec, type TriggerFilter, type TriggerSpec } from '../pipeline.ts'
import { defined, refuse, Text } from './scalars.ts'

/** Globs that can fit a name. `instead` says what a leading `!`, which other tools know, is here. */
function globs(instead: string, whyNever: (glob: string) => string | undefined = () => undefined) {
  const Glob = Text.transform((glob, context) => {
    if (glob.startsWith('!')) return refuse(context, `a pattern does not begin with !: ${instead}`)
    // A `+` may stand in the name of a tag (`v2.1+cu118`); of these four none is likely to.
    if (/[[\]{}]/.test(glob)) return refuse(context, 'patterns know *, ** and ? only: write each name as one entry')
    const message = whyNever(glob)
    return message === undefined ? glob : refuse(context, message)
  })
  return z.array(Glob).min(1)
}

function pathGlobs(instead: string) {
  return globs(instead, (path) => {
    if (path.startsWith('/')) return 'paths begin at the root of the project: write it without / in front'
    const parts = path.split('/')
    if (parts.includes('..')) return 'a path cannot contain ..'
    return parts.includes('.') ? 'write it without ./' : undefined
  })
}

const FILTERS = {
  branches: globs('write `branches-ignore`').describe('only these branches (globs)').exactOptional(),
  'branches-ignore': globs('write `branches`').describe('not these branches (globs)').exactOptional(),
  paths: pathGlobs('write `paths-ignore`').describe('only when one of these files changed (globs)').exactOptional(),
  'paths-ignore': pathGlobs('write `paths`').describe('not when only these files changed (globs)').exactOptional(),
}

const PullRequests = z.strictObject(FILTERS).transform(filterOf)

const Pushes = z
  .strictObject({
    ...FILTERS,
    tags: globs('name the tags that start a run')
      .describe('tags (globs) that start a run; without this key none does, and with it alone no branch does')
      .exactOptional(),
  })
  .transform(filterOf)

interface RawFilter {
  readonly branches?: string[]
  readonly 'branches-ignore'?: string[]
  readonly tags?: string[]
  readonly paths?: string[]
  readonly 'paths-ignore'?: string[]
}

function filterOf(raw: RawFilter): TriggerFilter {
  const { branches, tags, paths } = raw
  return defined({ branches, branchesIgnore: raw['branches-ignore'], tags, paths, pathsIgnore: raw['paths-ignore'] })
}

const Everything = z.null().transform((): TriggerFilter => ({}))

/** GitLab and others list branches right here. */
function filterHint({ input }: { readonly input?: unknown }): string {
  const names: unknown[] = Array.isArray(input) ? input : [input]
  const areNames = names.length > 0 && names.every((name) => typeof name === 'string' && name.length < 60)
  const list = names.map((name) => (/^[\w/-]+$/.test(String(name)) ? name : JSON.stringify(name)))
  return areNames ? `write { branches: [${list.join(', ')}] }` : 'write {}, or { branches: [main] }'
}

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
    push: z
      .union([Pushes, Everything], { error: filterHint })
      .describe('pushes to branches of this project')
      .exactOptional(),
    'pull-request': z
      .union([PullRequests, Everything], { error: filterHint })
      .describe('pull requests')
      .exactOptional(),
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
  branches: globs('name the branches that deliver').describe('only these branches (globs) register and deploy'),
})

/** `concurrency:` */
export const Concurrency = z.strictObject({
  group: Text.describe('runs of one group wait for, or cancel, one another; may hold expressions'),
  policy: z
    .enum(CONCURRENCY_POLICIES)
    .default('queue')
    .describe('a new run waits for those of its group, cancels them, or takes the place of those that wait'),
})
