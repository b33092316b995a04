import { z } from 'zod'

export const ProjectName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a project is named by lower-case letters, digits and dashes')
export const EnvironmentName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
export const PersonName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'a person is named by lower-case letters, digits, dots, dashes and underscores')
export const Millis = z.number().int().describe('UTC epoch milliseconds')
export const Comment = z.string().max(10_000).default('')

export const InProject = z.object({ project: ProjectName })
export const InRun = z.object({ project: ProjectName, number: z.coerce.number().int().positive() })
export const InDeployment = z.object({ project: ProjectName, deployment: z.string().min(1).max(100) })
export const InEnvironment = z.object({ project: ProjectName, environment: EnvironmentName })

/** Lists are newest first; `before` takes the last item's key to get the next page. */
export const Page = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  before: z.string().optional(),
})

export const Done = z.object({ done: z.literal(true) })

export const Failure = z.object({
  error: z.object({ code: z.string(), message: z.string(), details: z.record(z.string(), z.unknown()) }),
})
export type Failure = z.infer<typeof Failure>
