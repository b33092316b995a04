import { z } from 'zod'
import { InProject, Millis, ProjectName } from './common.ts'
import { operation } from './operation.ts'

export const ModelVersion = z.object({
  project: z.string(),
  model: z.string(),
  version: z.number().int(),
  bundle: z.string(),
  run: z.string(),
  metrics: z.record(z.string(), z.number()),
  serves: z.array(z.string()).describe('environments it serves now'),
  createdAt: Millis,
})
export type ModelVersion = z.infer<typeof ModelVersion>

export const Lineage = z.object({
  version: ModelVersion,
  run: z.string(),
  commit: z.string(),
  title: z.string(),
  pushedBy: z.string(),
  datasets: z.array(z.object({ path: z.string(), digest: z.string(), rows: z.number().nullable() })),
  lock: z.string().nullable(),
  wheel: z.object({ file: z.string(), digest: z.string() }).nullable().describe('of `build.package`'),
  image: z.string().nullable().describe('digest of the manifest of `build.image`'),
  gates: z.array(z.object({ title: z.string(), outcome: z.string(), summary: z.string() })),
  deployments: z.array(
    z.object({
      environment: z.string(),
      state: z.string(),
      approvals: z.array(z.object({ person: z.string(), decision: z.string(), at: Millis })),
      signatures: z.array(z.object({ person: z.string(), decision: z.string(), at: Millis })),
    }),
  ),
  alert: z.string().nullable(),
  hasReport: z.boolean().describe('what was proved of it can be read'),
})
export type Lineage = z.infer<typeof Lineage>

const InVersion = z.object({ project: ProjectName, version: z.coerce.number().int().positive() })

export const listVersions = operation({
  name: 'listVersions',
  summary: 'Registered versions of a project’s model, newest first',
  method: 'GET',
  path: '/projects/{project}/versions',
  role: 'viewer',
  params: InProject,
  answer: z.object({ versions: z.array(ModelVersion) }),
})

export const getBillOfMaterials = operation({
  name: 'getBillOfMaterials',
  summary: 'What a version is made of: a CycloneDX 1.6 document with the model, its packages, files and datasets',
  method: 'GET',
  path: '/projects/{project}/versions/{version}/sbom',
  role: 'viewer',
  params: InVersion,
  answer: z.record(z.string(), z.unknown()),
})

export const getLineage = operation({
  name: 'getLineage',
  summary: 'From a version back to commit, data, lock, gates, people',
  method: 'GET',
  path: '/projects/{project}/versions/{version}/lineage',
  role: 'viewer',
  params: InVersion,
  answer: Lineage,
})
