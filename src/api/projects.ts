import { z } from 'zod'
import { PRIORITIES } from '../core/priority.ts'
import { Done, InProject, Millis, ProjectName } from './common.ts'
import { operation } from './operation.ts'

export const Priority = z
  .enum(Object.keys(PRIORITIES) as [keyof typeof PRIORITIES, ...(keyof typeof PRIORITIES)[]])
  .describe('its share of what is scarce: high gets twice what normal gets, low half')

export const Project = z.object({
  name: ProjectName,
  defaultBranch: z.string(),
  repository: ProjectName.describe('what it is in: its own, of its name, or that of other projects'),
  path: z.string().describe('the folder of tidegate.yaml inside the repository; empty for its root'),
  gitUrl: z.string(),
  priority: Priority,
  createdAt: Millis,
})
export type Project = z.infer<typeof Project>

export const listProjects = operation({
  name: 'listProjects',
  summary: 'Projects the person may see',
  method: 'GET',
  path: '/projects',
  role: 'person',
  answer: z.object({ projects: z.array(Project) }),
})

export const addProject = operation({
  name: 'addProject',
  summary: 'Create a project and its repository, or one in the repository of others',
  method: 'POST',
  path: '/projects',
  role: 'admin',
  body: z.object({
    name: ProjectName,
    defaultBranch: z.string().min(1).max(200).describe('default: main, or that of the repository').exactOptional(),
    repository: ProjectName.describe('one that is there; default: a new one of the project’s name').exactOptional(),
    path: z.string().max(500).default(''),
  }),
  answer: Project,
})

export const ProjectDetail = Project.extend({
  schedules: z.array(
    z.object({
      cron: z.string(),
      timezone: z.string(),
      nextAt: Millis.describe('when it comes due next'),
      lastAt: Millis.nullable(),
      lastRun: z.string().nullable(),
    }),
  ),
})
export type ProjectDetail = z.infer<typeof ProjectDetail>

export const getProject = operation({
  name: 'getProject',
  summary: 'A project, and when its schedules come due',
  method: 'GET',
  path: '/projects/{project}',
  role: 'viewer',
  params: InProject,
  answer: ProjectDetail,
})

export const Problem = z.object({
  file: z.string(),
  line: z.number().int(),
  column: z.number().int(),
  path: z.string().describe('where in the document, as `steps.train.outs[0]`'),
  message: z.string().describe('what is wrong, and what to write instead'),
  severity: z.enum(['error', 'warning']),
})

export const lintProject = operation({
  name: 'lintProject',
  summary: 'What a push of this pipeline file would be told, without pushing it',
  method: 'POST',
  path: '/projects/{project}/lint',
  role: 'viewer',
  params: InProject,
  body: z.object({
    text: z.string().max(4 << 20),
    ref: z.string().min(1).max(200).optional().describe('whose files it is checked with; default: the default branch'),
  }),
  answer: z.object({ problems: z.array(Problem) }),
})

export const setProject = operation({
  name: 'setProject',
  summary: 'Set what the installation grants a project: its priority among others',
  method: 'PUT',
  path: '/projects/{project}',
  role: 'admin',
  params: InProject,
  body: z.object({ priority: Priority }),
  answer: Project,
})

export const removeProject = operation({
  name: 'removeProject',
  summary: 'Take a project out; its runs, versions and events stay to be looked at',
  method: 'DELETE',
  path: '/projects/{project}',
  role: 'admin',
  params: InProject,
  query: z.object({
    confirm: z.string().max(100).describe('the name once more'),
    stopServing: z.enum(['yes', 'no']).default('no').describe('yes: also where versions of it serve'),
  }),
  answer: Done,
})

/** Where a model is served, by which versions, and what the gateway has counted since the phase began. */
export const EnvironmentStatus = z.object({
  environment: z.string(),
  endpoint: z.string().nullable(),
  champion: z.number().int().nullable(),
  challenger: z.number().int().nullable(),
  weight: z.number().describe('the challenger’s share of traffic, 0 to 1'),
  arms: z.array(
    z.object({
      arm: z.enum(['champion', 'challenger']),
      version: z.string(),
      host: z.enum(['starting', 'ready', 'failed', 'absent']),
      reason: z.string().nullable(),
      requests: z.number(),
      errors: z.number(),
      latencyP50Ms: z.number().nullable(),
      latencyP99Ms: z.number().nullable(),
    }),
  ),
})
export type EnvironmentStatus = z.infer<typeof EnvironmentStatus>

export const listEnvironments = operation({
  name: 'listEnvironments',
  summary: 'What serves in each environment now',
  method: 'GET',
  path: '/projects/{project}/environments',
  role: 'viewer',
  params: InProject,
  answer: z.object({ environments: z.array(EnvironmentStatus) }),
})
