import { z } from 'zod'
import { Millis, ProjectName } from './common.ts'
import { operation } from './operation.ts'

export const EventItem = z.object({
  id: z.number().int(),
  at: Millis,
  kind: z.string(),
  project: z.string().nullable(),
  subject: z.string(),
  data: z.record(z.string(), z.unknown()),
})
export type EventItem = z.infer<typeof EventItem>

const EventQuery = z.object({
  project: ProjectName.optional(),
  after: z.coerce.number().int().nonnegative().default(0),
})

export const listEvents = operation({
  name: 'listEvents',
  summary: 'What happened, oldest first, after an event id; without a project an admin’s view',
  method: 'GET',
  path: '/events',
  role: 'person',
  query: EventQuery.extend({ limit: z.coerce.number().int().min(1).max(1_000).default(200) }),
  answer: z.object({ events: z.array(EventItem) }),
})

export const followEvents = operation({
  name: 'followEvents',
  summary: 'The same as server-sent events, live; resumes with Last-Event-ID',
  method: 'GET',
  path: '/events/stream',
  role: 'person',
  query: EventQuery.extend({
    after: z.union([z.literal('newest').describe('only what happens from now on'), EventQuery.shape.after]).default(0),
  }),
  answer: z.string(),
})

export const lintText = operation({
  name: 'lintText',
  summary: 'Problems of a pipeline file, as `tidegate lint` finds them',
  method: 'POST',
  path: '/lint',
  role: 'person',
  body: z.object({
    text: z.string().max(1 << 20),
    files: z.array(z.string()).max(100_000).default([]),
    project: z.string().optional(),
  }),
  answer: z.object({
    problems: z.array(
      z.object({
        file: z.string(),
        line: z.number(),
        column: z.number(),
        path: z.string(),
        message: z.string(),
        severity: z.enum(['error', 'warning']),
      }),
    ),
  }),
})

export const GarbageRow = z.object({ what: z.string(), why: z.string(), bytes: z.number(), removed: z.boolean() })

export const collectGarbage = operation({
  name: 'collectGarbage',
  summary: 'Remove what nothing refers to; `dryRun` only tells',
  method: 'POST',
  path: '/gc',
  role: 'admin',
  body: z.object({ dryRun: z.boolean().default(false) }),
  answer: z.object({ rows: z.array(GarbageRow), freedBytes: z.number() }),
})

export const getHealth = operation({
  name: 'getHealth',
  summary: 'Whether the server and its gateway answer',
  method: 'GET',
  path: '/health',
  role: 'nobody',
  answer: z.object({ ok: z.boolean(), version: z.string(), gateway: z.string().nullable() }),
})
