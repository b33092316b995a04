import { allRows } from '../db/all-rows.ts'
import type { Reader } from '../db/open-database.ts'

const PAGE = 500

/** What each dataset was frozen to last, as JSON of its artifact: what a push uses next. */
export async function* latestDatasets(reader: Reader): AsyncGenerator<string> {
  const rows = allRows({ id: 0 }, ({ id: last }) =>
    reader
      .selectFrom('datasets')
      .select(['id', 'artifact'])
      .where((where) =>
        where.not(
          where.exists(
            where
              .selectFrom('datasets as newer')
              .select('newer.id')
              .whereRef('newer.project', '=', 'datasets.project')
              .whereRef('newer.path', '=', 'datasets.path')
              .whereRef('newer.id', '>', 'datasets.id'),
          ),
        ),
      )
      .where('id', '>', last)
      .orderBy('id')
      .limit(PAGE)
      .execute(),
  )
  for await (const { artifact } of rows) yield artifact
}
