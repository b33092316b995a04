import { z } from 'zod'
import { EnvironmentName, InProject, ProjectName } from './common.ts'
import { operation } from './operation.ts'

const Champion = z.object({
  version: z.number().int(),
  bundle: z.string(),
  manifest: z.unknown().describe('the bundle’s manifest: files, runtime, signature'),
  answers: z.string().describe('digest of what its own run’s code answered to the held-out rows').optional(),
})

export const getChampion = operation({
  name: 'getChampion',
  summary: 'The version that serves an environment, or another by its number, as candidates are compared with it',
  method: 'GET',
  path: '/projects/{project}/champion',
  role: 'viewer',
  params: InProject,
  query: z.object({
    environment: EnvironmentName.optional(),
    version: z.coerce.number().int().positive().optional(),
  }),
  answer: z.object({ champion: Champion.nullable() }),
})

export const getVersionContent = operation({
  name: 'getVersionContent',
  summary:
    'Bytes of a version by their digest: the list of its bundle’s files, a file, its reference, or its kept answers',
  method: 'GET',
  path: '/projects/{project}/versions/{version}/content/{digest}',
  role: 'developer',
  params: z.object({
    project: ProjectName,
    version: z.coerce.number().int().positive(),
    digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  }),
  answer: z.string(),
})
