import { reports } from './008-reports.ts'
import type { Writer } from '../open-database.ts'
import { init } from './001-init.ts'
import { schedules } from './002-schedules.ts'
import { datasets } from './003-datasets.ts'
import { priority } from './004-priority.ts'
import { supervision } from './005-supervision.ts'
import { testHistory } from './006-test-history.ts'
import { testedSteps } from './009-tested-steps.ts'
import { runPlans } from './010-run-plans.ts'
import { coverageShares } from './011-coverage-shares.ts'
import { repositories } from './012-repositories.ts'

export interface Migration {
  /** That of its file. The schema's version is the highest one; numbers that were never used do no harm. */
  readonly number: number
  readonly name: string
  up(writer: Writer, kind: 'sqlite' | 'postgres'): Promise<void>
}

/**
 * By number; a migration that has been released is never changed. A new one takes a number above all others: a
 * database that is past a number never runs what comes to stand below it.
 */
export const MIGRATIONS: readonly Migration[] = [
  init,
  schedules,
  datasets,
  priority,
  supervision,
  testHistory,
  reports,
  testedSteps,
  runPlans,
  coverageShares,
  repositories,
].toSorted((a, b) => a.number - b.number)
