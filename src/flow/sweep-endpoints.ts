import { listActiveAttempts } from '../engine/attempts.sql.ts'
import type { Installation } from './installation.ts'
import { PrivateEndpoints } from './private-endpoints.ts'
import { candidateEndpoint } from './step-opening.ts'

/**
 * Closes private endpoints that a server left which was killed: of steps that have ended meanwhile, and of
 * sessions, which open theirs again. A step that outlived the server goes on asking at its own. Before the
 * first table is posted. Answers how many were closed.
 */
export async function sweepEndpoints({
  database,
  dataFolder,
}: Pick<Installation, 'database' | 'dataFolder'>): Promise<number> {
  const endpoints = new PrivateEndpoints(dataFolder)
  const left = await endpoints.list()
  if (left.length === 0) return 0
  const wanted = new Set((await listActiveAttempts(database.read)).map(({ id }) => candidateEndpoint(id)))
  const over = left.filter(({ id }) => !wanted.has(id))
  for (const { id } of over) await endpoints.close(id)
  return over.length
}
