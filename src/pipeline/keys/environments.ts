import { z } from 'zod'
import { limit } from '../../core/limits.ts'
import { isTimezone } from '../next-time.ts'
import { WEEK_DAYS, type EnvironmentSpec, type RolloutPhase, type WindowSpec } from '../pipeline.ts'
import { GuardRails } from './guard-rails.ts'
import { Monitors } from './monitors.ts'
import { Count, defined, Duration, FilePath, PositiveDuration, refuse, Share, Size, Text } from './scalars.ts'

const DAY_MS = 86_400_000

const People = z.array(Text).min(1, 'name one person or group at least')

const Approval = z.union(
  [
    z.literal('none'),
    z
      .strictObject({
        reviewers: People.describe('people, and groups as "group:name"'),
        required: Count.describe('how many must approve').default(1),
        expires: PositiveDuration.describe('default: 7d').default(7 * DAY_MS),
        'allow-self-approval': z.boolean().describe('of those who committed, pushed or started').default(false),
      })
      .transform((raw) => ({
        reviewers: raw.reviewers,
        required: raw.required,
        expiresMs: raw.expires,
        allowSelfApproval: raw['allow-self-approval'],
      })),
  ],
  { error: 'write `none`, or { reviewers: [name] }' },
)

const Acceptance = z.strictObject({
  testers: People.describe('people, and groups as "group:name"'),
  required: Count.describe('how many must sign; one rejection stops the delivery').default(1),
  cases: FilePath.describe('a file of JSON lines').exactOptional(),
  blind: z.boolean().describe('hide which answer is whose').default(true),
})

const HOURS_HINT = 'write hours as "09:00-16:00"'

const DeploymentWindow = z
  .strictObject({
    days: z
      .array(z.enum(WEEK_DAYS))
      .min(1)
      .default([...WEEK_DAYS]),
    hours: z
      .string({ error: HOURS_HINT })
      .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$/, HOURS_HINT)
      .default('00:00-24:00'),
    timezone: Text.default('UTC'),
  })
  .transform((raw, context): WindowSpec => {
    const [fromMinute = 0, toMinute = 0] = raw.hours.split('-').map(minuteOf)
    if (fromMinute >= toMinute || toMinute > 24 * 60)
      return refuse(context, 'the window must end after it begins, the same day', ['hours'])
    if (!isTimezone(raw.timezone)) return refuse(context, 'write a time zone as Europe/Paris', ['timezone'])
    return { days: raw.days, fromMinute, toMinute, timezone: raw.timezone }
  })

function minuteOf(time: string): number {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return hour * 60 + minute
}

const Phase = z
  .strictObject({
    weight: Share.describe('the new version’s share of the traffic'),
    for: Duration.describe('how long, at least').default(0),
    'min-requests': Count.describe('how many requests, at least').exactOptional(),
    'at-most': PositiveDuration.describe('past this a person is asked').exactOptional(),
  })
  .transform((raw): RolloutPhase =>
    defined({ weight: raw.weight, forMs: raw.for, minRequests: raw['min-requests'], atMostMs: raw['at-most'] }),
  )

const ROLLOUT_HINT = 'write phases as [{ weight: 5%, for: 10m }], `blue-green` or `all-at-once`'

const Rollout = z
  .union([z.enum(['blue-green', 'all-at-once']), z.array(Phase).min(1, ROLLOUT_HINT)], { error: ROLLOUT_HINT })
  .transform((raw, context): Pick<EnvironmentSpec, 'strategy' | 'rollout'> => {
    if (typeof raw === 'string') return { strategy: raw, rollout: [{ weight: 1, forMs: 0 }] }
    for (const [index, phase] of raw.entries()) {
      if (phase.weight > (raw[index - 1]?.weight ?? 0)) continue
      return refuse(context, 'each phase must have more weight than the one before it', [index, 'weight'])
    }
    const complete = raw.at(-1)?.weight === 1
    return { strategy: 'phases', rollout: complete ? raw : [...raw, { weight: 1, forMs: 0 }] }
  })

const Log = z
  .strictObject({
    inputs: z.enum(['all', 'none']).describe('whether rows are kept').default('all'),
    drop: z.array(Text).describe('columns that are never kept').default([]),
    sample: Share.describe('of the requests').default(1),
    keep: Duration.describe('default: 30d').default(limit('predictionKeepMs')),
  })
  .transform((raw) => ({ inputs: raw.inputs, drop: raw.drop, sample: raw.sample, keepMs: raw.keep }))

const Labels = z
  .strictObject({
    key: Text.describe('`request`, or a column that rows and labels share').default('request'),
    matures: Duration.describe('labels later than this are late; default: 7d').default(7 * DAY_MS),
  })
  .transform((raw) => ({ key: raw.key, maturesMs: raw.matures }))

const Resources = z
  .strictObject({ cpus: z.number().positive().max(1_024).exactOptional(), memory: Size.exactOptional() })
  .transform((raw) => ({ ...defined({ cpus: raw.cpus }), memoryBytes: raw.memory ?? limit('hostMemoryBytes') }))

const ROUTE_HINT = 'write `request`, or "header:x-customer-id"'

/** One entry of `environments:`, still without its name; `approval` may be missing where it is not the last. */
export const Environment = z
  .strictObject({
    approval: Approval.describe('who approves a deployment here').exactOptional(),
    acceptance: Acceptance.describe('user acceptance testing').exactOptional(),
    window: DeploymentWindow.describe('when a deployment may begin and move').exactOptional(),
    rollout: Rollout.describe('how traffic moves to the new version').default({
      strategy: 'all-at-once',
      rollout: [{ weight: 1, forMs: 0 }],
    }),
    'route-by': z
      .string({ error: ROUTE_HINT })
      .regex(/^(request|header:[A-Za-z0-9-]+)$/, ROUTE_HINT)
      .describe('what is hashed to choose a version')
      .default('request'),
    'guard-rails': GuardRails.describe('conditions on live traffic that stop or undo a rollout').default([]),
    observe: Duration.describe('how long guard rails go on afterwards; default: 1d').default(DAY_MS),
    'runs-on': z.literal('local').default('local'),
    replicas: z.int().min(1).max(64).describe('model hosts').default(1),
    resources: Resources.describe('of each model host').default({ memoryBytes: limit('hostMemoryBytes') }),
    log: Log.describe('what is kept of predictions').default({
      inputs: 'all',
      drop: [],
      sample: 1,
      keepMs: limit('predictionKeepMs'),
    }),
    labels: Labels.describe('how labels find their rows').default({ key: 'request', maturesMs: 7 * DAY_MS }),
    monitors: Monitors.describe('what is watched').default([]),
  })
  .transform((raw) => {
    const { rollout, approval, acceptance, window } = raw
    return {
      ...defined({ approval, acceptance, window }),
      ...rollout,
      routeBy: raw['route-by'].toLowerCase(),
      guardRails: raw['guard-rails'],
      observeMs: raw.observe,
      runsOn: raw['runs-on'],
      replicas: raw.replicas,
      resources: raw.resources,
      log: raw.log,
      labels: raw.labels,
      monitors: raw.monitors,
    }
  })
