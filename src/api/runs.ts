import { z } from 'zod'
import { CANCEL_MODES, type CancelMode } from '../core/run-state.ts'
import { InProject, InRun, Millis, Page } from './common.ts'
import { operation } from './operation.ts'

export const StageStatus = z.object({
  number: z.number().int(),
  name: z.string(),
  title: z.string(),
  state: z.enum(['none', 'waiting', 'running', 'needs-person', 'succeeded', 'failed', 'skipped']),
  seconds: z.number().nullable(),
  summary: z.string().describe('one sentence: what happened, or why it waits or was refused'),
})
export type StageStatus = z.infer<typeof StageStatus>

export const Run = z.object({
  id: z.string().describe('project#number'),
  project: z.string(),
  number: z.number().int(),
  commit: z.string(),
  branch: z.string().describe('empty for a tag or a commit that is not on the default branch'),
  tag: z.string().nullable(),
  event: z.string(),
  title: z.string(),
  state: z.enum(['queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled', 'invalid', 'refused']),
  reason: z.string().nullable(),
  cancelMode: z.enum(['after-current', 'now-run-always', 'now']).nullable(),
  person: z.string(),
  version: z.number().int().nullable().describe('the model version it registered'),
  parentRun: z.string().nullable(),
  alert: z.string().nullable(),
  createdAt: Millis,
  startedAt: Millis.nullable(),
  endedAt: Millis.nullable(),
  stages: z.array(StageStatus).describe('the eight, in order, of this run and of the deployments that followed'),
})
export type Run = z.infer<typeof Run>

export const Step = z.object({
  key: z.string(),
  stage: z.string(),
  kind: z.enum(['command', 'task']),
  state: z.enum(['waiting', 'running', 'succeeded', 'failed', 'skipped', 'cancelled']),
  reason: z.string().nullable(),
  message: z.string().nullable(),
  why: z.string().nullable(),
  cache: z.enum(['hit', 'miss', 'off']).nullable(),
  needs: z.array(z.string()),
  attempt: z.number().int(),
  seconds: z.number().nullable(),
  logBytes: z.number(),
  services: z.array(z.string()).describe('programs beside the command, each with a log of its own'),
  debug: z
    .object({ folder: z.string(), environment: z.string(), until: Millis })
    .nullable()
    .describe('of a rerun with `debug`: where somebody on the server’s machine can go on'),
  startedAt: Millis.nullable(),
  endedAt: Millis.nullable(),
})
export type Step = z.infer<typeof Step>

export const TestResult = z.object({
  step: z.string(),
  suite: z.string(),
  name: z.string(),
  state: z.enum(['passed', 'failed', 'error', 'skipped']),
  seconds: z.number(),
  message: z.string(),
  detail: z.string(),
  retries: z.number().describe('tries before the last, by the runner itself'),
  quarantined: z.boolean().describe('its failing does not fail the step'),
})

export const Coverage = z.object({
  step: z.string(),
  lines: z.number(),
  covered: z.number(),
  changedLines: z.number().nullable().describe('of lines that the change brings; null: nothing to compare with'),
  changedCovered: z.number().nullable(),
  baseRun: z.string().nullable().describe('the last run of the default branch that this commit stands on'),
  baseCommit: z.string().nullable(),
  baseShare: z.number().nullable().describe('0 to 1'),
  members: z.number().nullable().describe('of a split suite: how many members have reported'),
  membersOf: z.number().nullable().describe('of a split suite: how many it has'),
})

export const Gate = z.object({
  title: z.string().describe('the gate’s name: what is waived'),
  outcome: z.enum(['pass', 'fail', 'inconclusive', 'not-applicable']),
  summary: z.string(),
  evidence: z.unknown(),
  waivedBy: z.string().nullable(),
  waivedReason: z.string().nullable(),
})
export type Gate = z.infer<typeof Gate>

export const RunDetail = Run.extend({
  steps: z.array(Step),
  gates: z.array(Gate),
  hasReport: z.boolean().describe('what was proved of its candidate can be read'),
  tests: z.object({
    passed: z.number(),
    failed: z.number(),
    skipped: z.number(),
    quarantined: z.number().describe('failed while in quarantine'),
    failures: z.array(TestResult),
  }),
  coverage: z.array(Coverage),
  findings: z.array(
    z.object({
      step: z.string(),
      severity: z.string(),
      file: z.string(),
      line: z.number(),
      column: z.number(),
      message: z.string(),
    }),
  ),
  metrics: z.array(z.object({ step: z.string(), name: z.string(), value: z.number() })),
  datasets: z.array(z.object({ path: z.string(), digest: z.string(), rows: z.number().nullable() })),
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
})
export type RunDetail = z.infer<typeof RunDetail>

export const listRuns = operation({
  name: 'listRuns',
  summary: 'Runs of a project, newest first',
  method: 'GET',
  path: '/projects/{project}/runs',
  role: 'viewer',
  params: InProject,
  query: Page,
  answer: z.object({ runs: z.array(Run) }),
})

export const getRun = operation({
  name: 'getRun',
  summary: 'One run with its steps, gates, tests, findings and metrics',
  method: 'GET',
  path: '/projects/{project}/runs/{number}',
  role: 'viewer',
  params: InRun,
  answer: RunDetail,
})

export const startRun = operation({
  name: 'startRun',
  summary: 'Start a run of a ref',
  method: 'POST',
  path: '/projects/{project}/runs',
  role: 'developer',
  params: InProject,
  body: z.object({ ref: z.string().min(1).max(300).optional(), refreshData: z.boolean().default(false) }),
  answer: RunDetail,
})

export const cancelRun = operation({
  name: 'cancelRun',
  summary: 'Cancel a run, in one of three ways; what is killed gets TERM, a grace, KILL, and is verified dead',
  method: 'POST',
  path: '/projects/{project}/runs/{number}/cancel',
  role: 'developer',
  params: InRun,
  body: z.object({
    mode: z
      .enum(Object.keys(CANCEL_MODES) as CancelMode[])
      .default('now')
      .describe(
        Object.entries(CANCEL_MODES)
          .map(([mode, meaning]) => `${mode}: ${meaning}`)
          .join('; '),
      ),
  }),
  answer: RunDetail,
})

export const rerunRun = operation({
  name: 'rerunRun',
  summary: 'Run the same commit again, as a new run; with `failed` or `from`, the rest is adopted',
  method: 'POST',
  path: '/projects/{project}/runs/{number}/rerun',
  role: 'developer',
  params: InRun,
  body: z.object({
    failed: z.boolean().default(false).describe('only what did not succeed'),
    from: z.string().min(1).max(300).optional().describe('this step and what depends on it, whatever the cache has'),
    debug: z.boolean().default(false).describe('keep the workspaces, whatever the outcome'),
  }),
  answer: RunDetail,
})

export const waiveGate = operation({
  name: 'waiveGate',
  summary: 'Let an inconclusive gate pass, with a reason; the run goes on as a rerun that adopts what succeeded',
  method: 'POST',
  path: '/projects/{project}/runs/{number}/waive',
  role: 'maintainer',
  params: InRun,
  body: z.object({ gate: z.string().min(1).max(200), reason: z.string().min(3).max(2_000) }),
  answer: RunDetail,
})

export const getReport = operation({
  name: 'getReport',
  summary: 'What was proved of a run’s candidate: a page that stands by itself, or Markdown',
  method: 'GET',
  path: '/projects/{project}/runs/{number}/report',
  role: 'viewer',
  params: InRun,
  query: z.object({ format: z.enum(['html', 'markdown']).default('html') }),
  answer: z.string(),
})

const InStep = InRun.extend({ step: z.string().min(1).max(300) })

/** Which log: of the last attempt where nothing is said. */
const WhichLog = z.object({
  attempt: z.coerce.number().int().positive().optional(),
  service: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/)
    .optional()
    .describe('of a service beside the step'),
})

const Offset = z.coerce.number().int().nonnegative()

const LogTimes = z.array(z.tuple([z.number(), Millis])).describe('bytes from an offset on came at this time')

export const getLog = operation({
  name: 'getLog',
  summary:
    'Bytes of a step’s log from an offset (text/plain; the header tidegate-log-end tells whether it is complete)',
  method: 'GET',
  path: '/projects/{project}/runs/{number}/steps/{step}/log',
  role: 'viewer',
  params: InStep,
  query: WhichLog.extend({
    offset: Offset.default(0),
    limit: z
      .union([
        z.literal('all'),
        z.coerce
          .number()
          .int()
          .min(1)
          .max(4 << 20),
      ])
      .default(1 << 20)
      .describe('bytes at most; all: to the end that the log has now'),
  }),
  answer: z.string(),
})

export const getLogTimes = operation({
  name: 'getLogTimes',
  summary: 'When the bytes of a log from `from` to `to` came; the entry that holds at `from` is the first',
  method: 'GET',
  path: '/projects/{project}/runs/{number}/steps/{step}/log/times',
  role: 'viewer',
  params: InStep,
  query: WhichLog.extend({ from: Offset.default(0), to: Offset }),
  answer: z.object({ times: LogTimes }),
})

export const searchLog = operation({
  name: 'searchLog',
  summary: 'Lines of a log that match a regular expression, with those around them; `next` says where to go on',
  method: 'GET',
  path: '/projects/{project}/runs/{number}/steps/{step}/log/search',
  role: 'viewer',
  params: InStep,
  query: WhichLog.extend({
    pattern: z.string().min(1).max(500),
    ignoreCase: z.enum(['yes', 'no']).default('no'),
    context: z.coerce.number().int().min(0).max(100).default(0),
    limit: z.coerce.number().int().min(1).max(1_000).default(200).describe('matches in one answer'),
    offset: Offset.default(0),
    line: z.coerce.number().int().positive().default(1).describe('number of the line at `offset`'),
  }),
  answer: z.object({
    lines: z.array(
      z.object({
        line: z.number(),
        offset: z.number(),
        at: Millis.nullable(),
        text: z.string(),
        isMatch: z.boolean(),
      }),
    ),
    next: z.object({ offset: z.number(), line: z.number() }).nullable(),
  }),
})

export const followLog = operation({
  name: 'followLog',
  summary:
    'A step’s log as server-sent events: `log` with { offset, text, times }, then `end`; resumes with Last-Event-ID',
  method: 'GET',
  path: '/projects/{project}/runs/{number}/steps/{step}/log/stream',
  role: 'viewer',
  params: InStep,
  query: WhichLog.extend({
    offset: Offset.default(0),
    tail: Offset.positive().optional().describe('instead of `offset`: at most so many of its last bytes, whole lines'),
  }),
  answer: z.string(),
})
