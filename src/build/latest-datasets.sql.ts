import { allRows } from '../db/all-rows.ts'
import type { Reader } from '../db/open-database.ts'

const PAGE = 500

/** What each dataset was frozen to last, as JSON of its artifact. */
export async function* latestDatasets(reader: Reader): AsyncGenerator<string> {
  const rows = allRows({ artifact: '' }, ({ artifact: last }) =>
    reader
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
      .where('datasets.artifact', '>', last)
      .orderBy('datasets.artifact')
      .limit(PAGE)
      .execute(),
  )
  for await (const { artifact } of rows) yield artifact
}

/**
 * The same for each source that a run since `since` declared: branches may declare one dataset differently, and
 * what one of them froze later takes nothing from the others.
 */
export async function* latestOfSources(reader: Reader, since: number): AsyncGenerator<string> {
  const rows = allRows({ artifact: '' }, ({ artifact: last }) =>
    reader
      .with('declared', (query) =>
        query
          .selectFrom('datasets')
          .innerJoin('runs', 'runs.id', 'datasets.run_id')
          .select(['datasets.project', 'datasets.path', 'datasets.identity'])
          .distinct()
          .where('runs.created_at', '>=', since),
      )
      .with('last', (query) =>
        query
          .selectFrom('datasets')
          .innerJoin('declared', (join) =>
            join
              .onRef('declared.project', '=', 'datasets.project')
              .onRef('declared.path', '=', 'datasets.path')
              .onRef('declared.identity', '=', 'datasets.identity'),
          )
          .select(['datasets.project', 'datasets.path', 'datasets.identity'])
          .select(({ fn }) => fn.max('datasets.frozen_at').as('frozen_at'))
          .groupBy(['datasets.project', 'datasets.path', 'datasets.identity']),
      )
      .selectFrom('datasets')
      .innerJoin('last', (join) =>
        join
          .onRef('last.project', '=', 'datasets.project')
          .onRef('last.path', '=', 'datasets.path')
          .onRef('last.identity', '=', 'datasets.identity')
          .onRef('last.frozen_at', '=', 'datasets.frozen_at'),
      )
      .select('datasets.artifact')
      .distinct()
      .where('datasets.artifact', '>', last)
      .orderBy('datasets.artifact')
      .limit(PAGE)
      .execute(),
  )
  for await (const { artifact } of rows) yield artifact
}
