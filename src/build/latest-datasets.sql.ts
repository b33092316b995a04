import type { Reader } from '../db/open-database.ts'

/** What each dataset was frozen to last, as JSON of its artifact: what a push uses next. */
export async function latestDatasets(reader: Reader): Promise<string[]> {
  const rows = await reader
    .selectFrom('datasets')
    .innerJoin(
      (inner) =>
        inner
          .selectFrom('datasets')
          .select(({ fn }) => ['project', 'path', fn.max('frozen_at').as('frozen_at')])
          .groupBy(['project', 'path'])
          .as('last'),
      (join) =>
        join
          .onRef('last.project', '=', 'datasets.project')
          .onRef('last.path', '=', 'datasets.path')
          .onRef('last.frozen_at', '=', 'datasets.frozen_at'),
    )
    .select('datasets.artifact')
    .distinct()
    .orderBy('datasets.artifact')
    .limit(100_000)
    .execute()
  return rows.map((row) => row.artifact)
}
