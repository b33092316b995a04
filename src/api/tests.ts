import { z } from 'zod'
import { InProject, InRun, Millis } from './common.ts'
import { operation } from './operation.ts'

const TestState = z.enum(['passed', 'failed', 'error', 'skipped'])
const TestName = z
  .string()
  .min(1)
  .max(2_100)
  .describe('`suite::name`, a name alone where it is unique, or pytest’s own way to write it')

export const KnownTest = z.object({
  test: z.string().describe('`suite::name`'),
  suite: z.string().describe('empty where the runner has none'),
  name: z.string(),
  file: z.string().describe('empty where the runner does not say it'),
  state: TestState.describe('of its last run'),
  seconds: z.number().describe('a moving average'),
  runs: z.number().describe('all since `firstAt`, also those whose single results are no longer kept'),
  failures: z.number().describe('of these runs'),
  flakes: z.number().describe('how often it failed and passed on the same commit, since `firstAt`'),
  firstAt: Millis,
  lastAt: Millis,
  lastRun: z.string(),
  quarantine: z
    .object({ reason: z.string(), person: z.string(), at: Millis, until: Millis, isOver: z.boolean() })
    .nullable(),
})
export type KnownTest = z.infer<typeof KnownTest>

export const ListedTest = KnownTest.extend({
  recent: z.array(z.object({ run: z.string(), state: TestState, seconds: z.number() })).describe('newest first'),
})
export type ListedTest = z.infer<typeof ListedTest>

export const TestedRun = z.object({
  run: z.string(),
  branch: z.string(),
  commit: z.string(),
  at: Millis,
  passed: z.number(),
  failed: z.number().describe('without those in quarantine'),
  skipped: z.number(),
  quarantined: z.number().describe('failed while in quarantine'),
  seconds: z.number().describe('of all tests together'),
})
export type TestedRun = z.infer<typeof TestedRun>

/** Which tests are listed, and in which order. */
export const TEST_CHOICES = ['all', 'failing', 'failing-most', 'flaky', 'slow', 'quarantined'] as const
export type TestChoice = (typeof TEST_CHOICES)[number]

export const listTests = operation({
  name: 'listTests',
  summary: 'Tests that runs of a project have reported: all, failing, flaky, slow, or those in quarantine',
  method: 'GET',
  path: '/projects/{project}/tests',
  role: 'viewer',
  params: InProject,
  query: z.object({
    only: z.enum(TEST_CHOICES).default('all'),
    search: z.string().max(500).default('').describe('what `suite::name` must hold, in any case of letters'),
    recent: z.coerce.number().int().min(0).max(30).default(0).describe('results of each test that come with it'),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  answer: z.object({
    tests: z.array(ListedTest),
    counts: z
      .object({ all: z.number(), failing: z.number(), flaky: z.number(), quarantined: z.number() })
      .describe('of the whole project'),
  }),
})

export const listTestedRuns = operation({
  name: 'listTestedRuns',
  summary: 'What became of the tests of each of the last runs, and how long they took together; newest first',
  method: 'GET',
  path: '/projects/{project}/tested-runs',
  role: 'viewer',
  params: InProject,
  query: z.object({ limit: z.coerce.number().int().min(1).max(200).default(50) }),
  answer: z.object({ runs: z.array(TestedRun) }),
})

export const getTest = operation({
  name: 'getTest',
  summary: 'One test: what its last runs said, how long they took, and when it was flaky',
  method: 'GET',
  path: '/projects/{project}/test',
  role: 'viewer',
  params: InProject,
  query: z.object({ test: TestName }),
  answer: KnownTest.extend({
    history: z.array(
      z.object({
        run: z.string(),
        step: z.string(),
        attempt: z.number(),
        commit: z.string(),
        branch: z.string().describe('empty where it is not known any more'),
        at: Millis,
        state: TestState,
        seconds: z.number(),
        retries: z.number(),
        quarantined: z.boolean(),
        message: z.string(),
      }),
    ),
    failed: z
      .array(
        z.object({
          run: z.string(),
          step: z.string(),
          attempt: z.number(),
          at: Millis,
          message: z.string(),
          detail: z.string(),
        }),
      )
      .describe('what it said the last times it failed, with the lines that matter'),
    flaky: z.array(z.object({ run: z.string(), step: z.string(), commit: z.string(), how: z.string(), at: Millis })),
  }),
})
export type TestDetail = z.infer<typeof getTest.answer>

export const quarantineTest = operation({
  name: 'quarantineTest',
  summary: 'Let a test fail without failing its step, for a time and with a reason; it runs and is reported as before',
  method: 'POST',
  path: '/projects/{project}/quarantine',
  role: 'maintainer',
  params: InProject,
  body: z.object({
    test: TestName,
    reason: z.string().min(3).max(2_000),
    until: Millis.optional().describe('default: 30 days from now; at most a year'),
  }),
  answer: KnownTest,
})

export const releaseTest = operation({
  name: 'releaseTest',
  summary: 'End the quarantine of a test',
  method: 'POST',
  path: '/projects/{project}/quarantine/release',
  role: 'maintainer',
  params: InProject,
  body: z.object({ test: TestName }),
  answer: KnownTest,
})

const Counts = z.object({ lines: z.number(), covered: z.number() })

export const listCoverage = operation({
  name: 'listCoverage',
  summary: 'What a step’s tests ran of each file, beside the run it is compared with',
  method: 'GET',
  path: '/projects/{project}/runs/{number}/steps/{step}/coverage',
  role: 'viewer',
  params: InRun.extend({ step: z.string().min(1).max(300) }),
  query: z.object({
    after: z.string().max(4_000).default(''),
    limit: z.coerce.number().int().min(1).max(200).default(200),
  }),
  answer: z.object({
    files: z.array(
      Counts.extend({
        path: z.string(),
        changed: Counts.nullable().describe('of the lines the change brought'),
        base: Counts.nullable(),
      }),
    ),
  }),
})
