import type { Database, Reader } from '../db/open-database.ts'
import type { ResultsToKeep } from './forget-results.sql.ts'

const PAGE = 100

/**
 * What single files had of steps' coverages that are past their time, unless one that stays is compared with
 * them, or they are among the newest of their step. The figures of whole steps stay. Returns how many steps' they are.
 */
export async function forgetCoverageFiles(
  database: Database,
  project: string,
  keep: Pick<ResultsToKeep, 'since' | 'runs'>,
  dryRun: boolean,
): Promise<number> {
  let forgotten = 0
  for await (const { runId, step } of oldCoverages(database.read, project, keep)) {
    forgotten += 1
    if (dryRun) continue
    await database.write(async (writer) => {
      for (const table of ['coverage_files', 'coverage_shares'] as const)
        await writer.deleteFrom(table).where('run_id', '=', runId).where('step', '=', step).execute()
    })
  }
  return forgotten
}

async function* oldCoverages(reader: Reader, project: string, keep: Pick<ResultsToKeep, 'since' | 'runs'>) {
  for (const step of await stepsOf(reader, project)) {
    const newest = await reader
      .selectFrom('coverage')
      .select('at')
      .where('project', '=', project)
      .where('step', '=', step)
      .orderBy('at', 'desc')
      .offset(keep.runs - 1)
      .limit(1)
      .executeTakeFirst()
    const before = Math.min(keep.since, newest?.at ?? 0)
    let last = { at: -1, runId: '' }
    for (;;) {
      const page = await oldOfStep(reader, { project, step, before, last })
      yield* page
      const next = page.at(-1)
      if (next === undefined) break
      last = next
    }
  }
}

async function stepsOf(reader: Reader, project: string): Promise<string[]> {
  const rows = await reader
    .selectFrom('coverage')
    .select('step')
    .distinct()
    .where('project', '=', project)
    .orderBy('step')
    .limit(10_000)
    .execute()
  return rows.map(({ step }) => step)
}

interface OldOfStep {
  readonly project: string
  readonly step: string
  readonly before: number
  readonly last: { readonly at: number; readonly runId: string }
}

/** Those that still have files, oldest first. */
async function oldOfStep(reader: Reader, { project, step, before, last }: OldOfStep) {
  return reader
    .selectFrom('coverage as own')
    .select(['own.run_id as runId', 'own.step', 'own.at'])
    .where('own.project', '=', project)
    .where('own.step', '=', step)
    .where('own.at', '<', before)
    .where((eb) =>
      eb.or([eb('own.at', '>', last.at), eb.and([eb('own.at', '=', last.at), eb('own.run_id', '>', last.runId)])]),
    )
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('coverage_files')
          .select('coverage_files.path')
          .whereRef('coverage_files.run_id', '=', 'own.run_id')
          .whereRef('coverage_files.step', '=', 'own.step'),
      ),
    )
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('coverage as later')
            .select('later.run_id')
            .where('later.project', '=', project)
            .where('later.step', '=', step)
            .where('later.at', '>=', before)
            .whereRef('later.base_run', '=', 'own.run_id'),
        ),
      ),
    )
    .orderBy('own.at')
    .orderBy('own.run_id')
    .limit(PAGE)
    .execute()
}
