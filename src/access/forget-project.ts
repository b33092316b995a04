import type { Writer } from '../db/open-database.ts'
import { deleteMembershipsOf } from './memberships.sql.ts'
import { deleteSecretsOf } from './secrets.sql.ts'

/** Who was what in the project, and its secrets: one of the same name later begins with neither. */
export async function forgetProject(writer: Writer, project: string): Promise<void> {
  await deleteMembershipsOf(writer, project)
  await deleteSecretsOf(writer, project)
}
