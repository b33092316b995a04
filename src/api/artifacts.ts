import { z } from 'zod'
import { InRun } from './common.ts'
import { operation } from './operation.ts'

export const Artifact = z.object({
  step: z.string(),
  path: z.string().describe('of a folder with a slash at its end'),
  kind: z.enum(['file', 'folder']),
  files: z.number().int().describe('in a folder; a file is one'),
  size: z.number().describe('bytes, of all files'),
  digest: z.string(),
})
export type Artifact = z.infer<typeof Artifact>

export const listArtifacts = operation({
  name: 'listArtifacts',
  summary: 'What the steps of a run wrote: wheel, image, and every `outs`; a folder of one file is that file',
  method: 'GET',
  path: '/projects/{project}/runs/{number}/artifacts',
  role: 'viewer',
  params: InRun,
  answer: z.object({ artifacts: z.array(Artifact) }),
})

export const getArtifact = operation({
  name: 'getArtifact',
  summary: 'The bytes of one artifact, or of a file in it; a folder comes as a tar archive',
  method: 'GET',
  path: '/projects/{project}/runs/{number}/artifacts/content',
  role: 'developer',
  params: InRun,
  query: z.object({
    path: z.string().min(1).max(1_000),
    step: z.string().min(1).max(300).optional().describe('where several steps write the same path'),
  }),
  answer: z.string(),
})
