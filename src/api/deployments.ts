import { z } from 'zod'
import { Comment, Done, EnvironmentName, InDeployment, InEnvironment, InProject, Millis, Page } from './common.ts'
import { operation } from './operation.ts'

export const DeploymentStateName = z.enum([
  'queued',
  'awaiting-approval',
  'approved',
  'starting',
  'rolling-out',
  'held',
  'awaiting-acceptance',
  'live',
  'rolling-back',
  'rolled-back',
  'replaced',
  'rejected',
  'expired',
  'superseded',
  'failed',
])

export const Deployment = z.object({
  id: z.string(),
  project: z.string(),
  environment: z.string(),
  model: z.string(),
  version: z.number().int(),
  bundle: z.string(),
  state: DeploymentStateName,
  reason: z.string().nullable(),
  champion: z.number().int().nullable(),
  weight: z.number(),
  phase: z.number().int(),
  phases: z.array(z.object({ weight: z.number(), forMs: z.number() })),
  run: z.string(),
  requestedBy: z.string(),
  reviewers: z.array(z.string()),
  requiredApprovals: z.number().int(),
  approvals: z.array(z.object({ person: z.string(), decision: z.string(), comment: z.string(), at: Millis })),
  createdAt: Millis,
  liveAt: Millis.nullable(),
  endedAt: Millis.nullable(),
})
export type Deployment = z.infer<typeof Deployment>

export const listDeployments = operation({
  name: 'listDeployments',
  summary: 'Deployments of a project, newest first',
  method: 'GET',
  path: '/projects/{project}/deployments',
  role: 'viewer',
  params: InProject,
  query: Page.extend({ environment: EnvironmentName.optional() }),
  answer: z.object({ deployments: z.array(Deployment) }),
})

export const getDeployment = operation({
  name: 'getDeployment',
  summary: 'One deployment',
  method: 'GET',
  path: '/projects/{project}/deployments/{deployment}',
  role: 'viewer',
  params: InDeployment,
  answer: Deployment,
})

export const deployVersion = operation({
  name: 'deployVersion',
  summary: 'Send a registered version to an environment, under its rules',
  method: 'POST',
  path: '/projects/{project}/deployments',
  role: 'maintainer',
  params: InProject,
  body: z.object({ version: z.number().int().positive(), environment: EnvironmentName }),
  answer: Deployment,
})

/** The digest binds the decision to what was looked at; a stale one is refused. */
const Decision = z.object({ bundle: z.string(), comment: Comment })

export const approveDeployment = operation({
  name: 'approveDeployment',
  summary: 'Approve a waiting deployment',
  method: 'POST',
  path: '/projects/{project}/deployments/{deployment}/approve',
  role: 'approver',
  params: InDeployment,
  body: Decision,
  answer: Deployment,
})

export const rejectDeployment = operation({
  name: 'rejectDeployment',
  summary: 'Reject a waiting deployment, with a reason',
  method: 'POST',
  path: '/projects/{project}/deployments/{deployment}/reject',
  role: 'approver',
  params: InDeployment,
  body: Decision,
  answer: Deployment,
})

export const resumeDeployment = operation({
  name: 'resumeDeployment',
  summary: 'Let a held rollout go on',
  method: 'POST',
  path: '/projects/{project}/deployments/{deployment}/resume',
  role: 'approver',
  params: InDeployment,
  body: z.object({ comment: Comment }),
  answer: Deployment,
})

export const rollBack = operation({
  name: 'rollBack',
  summary: 'Go back to the version before, at once: no gate is in the way',
  method: 'POST',
  path: '/projects/{project}/environments/{environment}/rollback',
  role: 'approver',
  params: InEnvironment,
  body: z.object({ reason: z.string().min(1).max(2_000).default('asked for by a person') }),
  answer: Deployment,
})

export const clearRefusal = operation({
  name: 'clearRefusal',
  summary: 'Allow a rolled-back bundle in this environment again',
  method: 'POST',
  path: '/projects/{project}/environments/{environment}/clear',
  role: 'maintainer',
  params: InEnvironment,
  body: z.object({ bundle: z.string(), reason: z.string().min(3).max(2_000) }),
  answer: Done,
})
