import { allRows } from '../db/all-rows.ts'
import type { Reader } from '../db/open-database.ts'

const PAGE = 500

/** What each dataset was frozen to last, as JSON of its artifact: what a push uses next. */
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
