import { z } from 'zod'
import { Comment, Done, InProject, Millis, ProjectName } from './common.ts'
import { operation } from './operation.ts'

const DigestText = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'a digest is sha256: and 64 hex digits')
const DatasetPath = z.string().min(1).max(1_000).describe('as under `data:` of the pipeline file')

/** A digest that was pushed, that a run found in a dataset with owners, or that one froze of a source without. */
export const DatasetVersion = z.object({
  path: DatasetPath,
  digest: DigestText,
  kind: z.enum(['file', 'tree']),
  bytes: z.number(),
  rows: z.number().nullable().describe('null for what is no table'),
  state: z
    .enum(['pushed', 'pending', 'approved', 'rejected', 'frozen'])
    .describe('frozen: by a run, with nobody to be asked about it'),
  isUsed: z.boolean().describe('what a run would use now'),
  run: z.string().nullable().describe('the run that found or froze it'),
  pushedBy: z.string().nullable(),
  askedAt: Millis.describe('UTC epoch milliseconds: when it was pushed, found or frozen'),
  decidedBy: z.string().nullable(),
  decidedAt: Millis.nullable(),
  reason: z.string().nullable(),
})
export type DatasetVersion = z.infer<typeof DatasetVersion>

export const Dataset = z.object({
  path: DatasetPath,
  from: z.string().nullable().describe('where it comes from on the default branch; null: not declared there'),
  owners: z.array(z.string()),
  digest: DigestText.nullable().describe('as it was frozen last: what a push to the default branch uses'),
  bytes: z.number().nullable(),
  rows: z.number().nullable(),
  run: z.string().nullable().describe('the run that froze it'),
  pushedBy: z.string().nullable().describe('who sent it, where no run froze it'),
  frozenAt: Millis.nullable(),
  pending: z.number().describe('digests that wait for a yes'),
})
export type Dataset = z.infer<typeof Dataset>

export const listDatasets = operation({
  name: 'listDatasets',
  summary: 'Datasets of a project: what they were frozen to last, and how many digests wait for a yes',
  method: 'GET',
  path: '/projects/{project}/datasets',
  role: 'viewer',
  params: InProject,
  answer: z.object({ datasets: z.array(Dataset) }),
})

export const showDataset = operation({
  name: 'showDataset',
  summary: 'Digests of one dataset that were pushed, found or frozen, newest first',
  method: 'GET',
  path: '/projects/{project}/datasets/versions',
  role: 'viewer',
  params: InProject,
  query: z.object({ path: DatasetPath }),
  answer: z.object({ versions: z.array(DatasetVersion) }),
})

const Decision = z.object({
  path: DatasetPath,
  digest: DigestText.optional().describe('default: the one that waits'),
  reason: Comment,
})

export const approveDataset = operation({
  name: 'approveDataset',
  summary: 'An owner says yes to a digest of a dataset: runs use it from now on',
  method: 'POST',
  path: '/projects/{project}/datasets/approve',
  role: 'viewer',
  params: InProject,
  body: Decision,
  answer: DatasetVersion,
})

export const rejectDataset = operation({
  name: 'rejectDataset',
  summary: 'An owner says no to a digest of a dataset: no run uses it',
  method: 'POST',
  path: '/projects/{project}/datasets/reject',
  role: 'viewer',
  params: InProject,
  body: Decision,
  answer: DatasetVersion,
})

export const pushDataset = operation({
  name: 'pushDataset',
  summary: 'Name content that was sent before as what a dataset is now',
  method: 'POST',
  path: '/projects/{project}/datasets',
  role: 'developer',
  params: InProject,
  body: z.object({ path: DatasetPath, kind: z.enum(['file', 'tree']), digest: DigestText }),
  answer: DatasetVersion.extend({ owners: z.array(z.string()), isDeclared: z.boolean() }),
})

export const findMissingContent = operation({
  name: 'findMissingContent',
  summary: 'Which contents this project has not been sent yet',
  method: 'POST',
  path: '/projects/{project}/content',
  role: 'developer',
  params: InProject,
  body: z.object({ digests: z.array(DigestText).max(10_000) }),
  answer: z.object({ missing: z.array(DigestText) }),
})

export const getDatasetContent = operation({
  name: 'getDatasetContent',
  summary:
    'Contents of a pushed dataset as runs use it now, in the order asked for: digest, size, end of line, bytes. Of one for the evaluation only: to its owners, who pushed it, and maintainers',
  method: 'POST',
  path: '/projects/{project}/datasets/content',
  role: 'developer',
  params: InProject,
  body: z.object({ path: DatasetPath, digests: z.array(DigestText).min(1).max(5_000) }),
  answer: z.string(),
})

const InContent = z.object({ project: ProjectName, digest: DigestText })

export const putContent = operation({
  name: 'putContent',
  summary: 'Send content of at most the limit `contentPartBytes`; the body is its bytes',
  method: 'PUT',
  path: '/projects/{project}/content/{digest}',
  role: 'developer',
  params: InContent,
  content: true,
  answer: Done,
})

export const joinContent = operation({
  name: 'joinContent',
  summary: 'Make one content of parts that were sent before, in their order',
  method: 'POST',
  path: '/projects/{project}/content/{digest}',
  role: 'developer',
  params: InContent,
  body: z.object({ parts: z.array(DigestText).min(1).max(100_000) }),
  answer: Done,
})
