import { AppError } from '../core/errors.ts'
import { appendEvents } from '../db/outbox.ts'
import type { KnownTest } from '../reports/known-tests.sql.ts'
import { putIntoQuarantine, takeFromQuarantine, testId } from '../reports/quarantine.sql.ts'
import { findTest } from './find-test.ts'
import type { Installation } from './installation.ts'

const DAY_MS = 24 * 3_600_000
const DEFAULT_MS = 30 * DAY_MS
const LONGEST_MS = 366 * DAY_MS

interface WantedQuarantine {
  readonly test: string
  readonly reason: string
  readonly until: number | undefined
  readonly by: string
}

/** For a time and with a reason: a quarantine that nobody ends is how a test is forgotten. */
export async function quarantineTest(
  { database }: Pick<Installation, 'database'>,
  project: string,
  wanted: WantedQuarantine,
): Promise<KnownTest> {
  const test = await findTest(database.read, project, wanted.test)
  const at = Date.now()
  const until = wanted.until ?? at + DEFAULT_MS
  if (until <= at) throw new AppError('INVALID_INPUT', 'The quarantine would be over already: name a later time.')
  if (until > at + LONGEST_MS)
    throw new AppError('INVALID_INPUT', 'A quarantine lasts a year at most. Delete the test, or mend it.')
  const { suite, name } = test
  await database.write(async (writer) => {
    await putIntoQuarantine(writer, project, { suite, name, reason: wanted.reason, person: wanted.by, at, until })
    const data = { test: testId(test), reason: wanted.reason, by: wanted.by, until }
    await appendEvents(writer, database.kind, [{ kind: 'test.quarantined', project, subject: testId(test), data }])
  })
  return test
}

export async function releaseTest(
  { database }: Pick<Installation, 'database'>,
  project: string,
  { test: text, by }: { readonly test: string; readonly by: string },
): Promise<KnownTest> {
  const test = await findTest(database.read, project, text)
  await database.write(async (writer) => {
    if (!(await takeFromQuarantine(writer, project, test)))
      throw new AppError('STATE_CONFLICT', `${testId(test)} is not in quarantine.`)
    const data = { test: testId(test), by }
    await appendEvents(writer, database.kind, [{ kind: 'test.released', project, subject: testId(test), data }])
  })
  return test
}
