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
export async function* keptVersions(reader: Reader): AsyncGenerator<KeptVersion> {
  let last = { project: '', model: '', version: 0 }
  for (;;) {
    const { project, model, version } = last
    const rows = await reader
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
      .execute()
    yield* rows
    const next = rows.at(-1)
    if (next === undefined) return
    last = next
  }
}
