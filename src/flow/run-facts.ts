import type { BuildEnvironmentResult } from '../build/build-environment.ts'
import { placeOfRun } from '../core/run-place.ts'
import { listDatasets } from '../build/datasets.sql.ts'
import type { Reader } from '../db/open-database.ts'
import type { RunRow } from '../db/tables.ts'
import type { RunFacts } from '../evaluation/report/report-facts.ts'
import { countTests } from '../reports/tested-steps.sql.ts'

/** Where a candidate comes from, for its report. */
export async function runFacts(
  reader: Reader,
  run: RunRow,
  environment: BuildEnvironmentResult | undefined,
): Promise<RunFacts> {
  const datasets = await listDatasets(reader, run.id, 200)
  const { passed, failed, skipped } = await countTests(reader, run.id)
  return {
    id: run.id,
    project: run.project,
    commit: run.commit_id,
    branch: placeOfRun(run),
    title: run.title,
    person: run.person,
    event: run.event,
    createdAt: run.created_at,
    datasets: datasets.map(({ path, digest, rows }) => ({ path, digest, rows })),
    ...(environment === undefined ? {} : { lock: { digest: environment.lockDigest, python: environment.python } }),
    tests: { passed, failed, skipped },
  }
}
