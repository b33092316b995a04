import type { z } from 'zod'
import type { Me } from '../../../src/api/access.ts'
import type { Operation } from '../../../src/api/operation.ts'

/** Whether a person may do in a project what takes this role: what they may not is not offered as a link. */
export function hasRole({ roles }: z.infer<typeof Me>, project: string, role: Operation['role']): boolean {
  return ['*', project].some((place) => roles[place]?.includes(role))
}
