import { AppError } from '../core/errors.ts'
import type { Reader } from '../db/open-database.ts'
import { findKnownTests, type KnownTest } from '../reports/known-tests.sql.ts'
import { testId } from '../reports/quarantine.sql.ts'

/**
 * The test that a person means by `suite::name`, by a name alone where it is unique, or as pytest writes it
 * (`tests/unit/test_model.py::TestScale::test_two`). Fails with NOT_FOUND, naming what it may have been.
 */
export async function findTest(reader: Reader, project: string, text: string): Promise<KnownTest> {
  for (const wanted of readings(text)) {
    const found = await findKnownTests(reader, project, wanted)
    const [first, second] = found
    if (first !== undefined && second === undefined) return first
    if (first === undefined) continue
    const ids = found.slice(0, 5).map(testId).join(', ')
    throw new AppError('INVALID_INPUT', `There are several tests "${text}" in ${project}: ${ids}. Write one of these.`)
  }
  throw new AppError(
    'NOT_FOUND',
    `No run of ${project} has reported a test "${text}". \`tidegate tests ${project}\` lists them; write it as suite::name.`,
  )
}

/** What stands in brackets are pytest's parameters, and part of the name whatever signs they have. */
function readings(text: string): { suite?: string; name: string }[] {
  const bracket = text.indexOf('[')
  const parts = (bracket === -1 ? text : text.slice(0, bracket)).split('::')
  const name = `${parts.at(-1) ?? ''}${bracket === -1 ? '' : text.slice(bracket)}`
  const cut = text.indexOf('::')
  const cuts = cut === -1 ? [] : [{ suite: text.slice(0, cut), name: text.slice(cut + 2) }]
  const last = text.lastIndexOf('::')
  const lasts = last === -1 ? [] : [{ suite: text.slice(0, last), name: text.slice(last + 2) }]
  if (parts.length === 1) return [{ name }, ...cuts, ...lasts]
  const pytest = [...(parts[0] ?? '').replace(/\.py$/, '').split('/'), ...parts.slice(1, -1)].join('.')
  return [{ suite: parts.slice(0, -1).join('::'), name }, ...cuts, { suite: pytest, name }, ...lasts]
}
