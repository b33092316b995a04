import { allRows } from '../db/all-rows.ts'
import type { Reader } from '../db/open-database.ts'

export interface KeptVersion {
  readonly bundle: string
  readonly run_id: string
  /** JSON, with the digests of all that the version is made of and comes from. */
  readonly manifest: string
  readonly lineage: string
}

const PAGE = 500

/** Every version there is: none is ever thrown away. */
export function keptVersions(reader: Reader): AsyncGenerator<KeptVersion> {
  return allRows({ project: '', model: '', version: 0 }, ({ project, model, version }) =>
    reader
      .selectFrom('versions')
      .select(['project', 'model', 'version', 'bundle', 'run_id', 'manifest', 'lineage'])
      .where((where) =>
        where.or([
          where('project', '>', project),
          where.and([where('project', '=', project), where('model', '>', model)]),
          where.and([where('project', '=', project), where('model', '=', model), where('version', '>', version)]),
        ]),
      )
      .orderBy('project')
      .orderBy('model')
      .orderBy('version')
      .limit(PAGE)
      .execute(),
  )
}
