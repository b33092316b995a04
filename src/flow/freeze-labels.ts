import type { ArtifactRef } from '../core/tree.ts'
import { labelsSince } from '../monitoring/labels.sql.ts'
import type { Installation } from './installation.ts'

/**
 * All labels of an environment as JSON lines in the store, in the order they were told, for a task that
 * touches no database. Equal labels give an equal digest.
 */
export async function freezeLabels(
  { database, artifacts }: Pick<Installation, 'database' | 'artifacts'>,
  project: string,
  environment: string,
): Promise<ArtifactRef> {
  const lines: string[] = []
  for await (const { predictionId, row, label } of labelsSince(database.read, { project, environment, since: 0 })) {
    lines.push(JSON.stringify({ prediction_id: predictionId, row, label }))
  }
  return artifacts.putBytes(lines.map((line) => `${line}\n`).join(''))
}
