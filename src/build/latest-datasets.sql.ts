import type { Reader } from '../db/open-database.ts'

/** What each dataset was frozen to last, as JSON of its artifact: what a push uses next. */
export async function latestDatasets(reader: Reader): Promise<string[]> {
  const rows = await reader
    .selectFrom('datasets')
    .select(['id', 'artifact'])
    .where('id', 'in', (inner) =>
      inner
        .selectFrom('datasets')
        .select(({ fn }) => fn.max('id').as('id'))
        .groupBy(['project', 'path']),
    )
    .orderBy('id')
    .limit(100_000)
    .execute()
  return rows.map((row) => row.artifact)
}
