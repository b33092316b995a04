import { z } from 'zod'
import { Comment, InDeployment, Millis } from './common.ts'
import { operation } from './operation.ts'

/** An answer as testers see it: prediction and scores of one side. */
export const Answer = z.object({
  prediction: z.string(),
  scores: z.record(z.string(), z.number()).optional(),
  error: z.string().optional(),
})

export const AcceptanceCase = z.object({
  id: z.string(),
  question: z.string().nullable(),
  critical: z.boolean(),
  inputs: z.unknown().describe('Open Inference Protocol tensors'),
  show: z.unknown().nullable(),
  expected: z.string().nullable(),
  /** Blind with a champion: sides `a` and `b`, chosen per case and tester. Without a champion: only `a`. */
  sides: z.object({ a: Answer, b: Answer.optional() }),
  verdict: z.string().nullable().describe('the asking tester’s own'),
})
export type AcceptanceCase = z.infer<typeof AcceptanceCase>

export const AcceptanceSession = z.object({
  id: z.string(),
  deployment: z.string(),
  version: z.number().int(),
  champion: z.number().int().nullable(),
  digest: z.string().describe('binds version, champion and cases; a signature names it'),
  state: z.enum(['open', 'accepted', 'rejected', 'void']),
  testers: z.array(z.string()),
  required: z.number().int(),
  blind: z.boolean(),
  cases: z.array(AcceptanceCase),
  signatures: z.array(z.object({ person: z.string(), decision: z.string(), comment: z.string(), at: Millis })),
  agreement: z.string().describe('what the verdicts say so far, in words'),
})
export type AcceptanceSession = z.infer<typeof AcceptanceSession>

export const getAcceptance = operation({
  name: 'getAcceptance',
  summary: 'The acceptance session of a deployment, as the asking person may see it',
  method: 'GET',
  path: '/projects/{project}/deployments/{deployment}/acceptance',
  role: 'viewer',
  params: InDeployment,
  answer: AcceptanceSession,
})

export const VERDICTS = ['better-a', 'better-b', 'same', 'right', 'wrong', 'blocked'] as const

export const judgeCase = operation({
  name: 'judgeCase',
  summary: 'A tester’s verdict on one case; a later one replaces it',
  method: 'POST',
  path: '/projects/{project}/deployments/{deployment}/acceptance/verdicts',
  role: 'tester',
  params: InDeployment,
  body: z.object({ case: z.string().min(1).max(200), verdict: z.enum(VERDICTS), comment: Comment }),
  answer: AcceptanceSession,
})

export const signAcceptance = operation({
  name: 'signAcceptance',
  summary: 'A tester signs: accept or reject the version',
  method: 'POST',
  path: '/projects/{project}/deployments/{deployment}/acceptance/sign',
  role: 'tester',
  params: InDeployment,
  body: z.object({ decision: z.enum(['accept', 'reject']), digest: z.string(), comment: Comment }),
  answer: AcceptanceSession,
})
