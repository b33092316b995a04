import type { Reader } from '../db/open-database.ts'

/** Where every ref of a repository points to as far as rows know: the last push's word. Zeros: it was deleted. */
export async function knownRefs(reader: Reader, repository: string): Promise<Map<string, string>> {
  const refs = new Map<string, string>()
  let last = { at: -1, id: '', ref: '' }
  for (;;) {
    const rows = await reader
      .selectFrom('push_updates')
      .innerJoin('pushes', 'pushes.id', 'push_updates.push_id')
      .select(['pushes.at', 'pushes.id', 'push_updates.ref', 'push_updates.new_commit'])
      .where('pushes.repository', '=', repository)
      .where((where) =>
        where(
          where.refTuple('pushes.at', 'pushes.id', 'push_updates.ref'),
          '>',
          where.tuple(last.at, last.id, last.ref),
        ),
      )
      .orderBy('pushes.at')
      .orderBy('pushes.id')
      .orderBy('push_updates.ref')
      .limit(1_000)
      .execute()
    for (const { ref, new_commit } of rows) refs.set(ref, new_commit)
    const next = rows.at(-1)
    if (next === undefined) return refs
    last = next
  }
}
