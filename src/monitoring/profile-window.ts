import { countCategories, countNumbers, type NumberQuestion } from './count-columns.ts'
import type { Analytics, DuckDBConnection } from '../lib/open-analytics.ts'
import { extentOf, openWindow, type WindowQuestion } from './open-window.ts'
import type { ColumnWindow, ReferenceProfile, WindowProfile } from './reference-profile.ts'

/** Counts the input columns of a window in the reference's bins. */
export async function profileWindow(
  analytics: Analytics,
  question: WindowQuestion,
  reference: ReferenceProfile,
): Promise<WindowProfile> {
  return analytics.use(async (connection) => {
    const types = await openWindow(connection, question)
    if (types === undefined) return { rows: 0, from: null, to: null, columns: {}, unlogged: [] }
    const watched = Object.entries(reference.columns).filter(([, { kind }]) => kind !== 'unsupported')
    const logged = watched.map(([name]) => name).filter((name) => types.has(name))
    const unlogged = watched.map(([name]) => name).filter((name) => !types.has(name))
    return { ...(await extentOf(connection)), columns: await countColumns(connection, reference, logged), unlogged }
  })
}

async function countColumns(
  connection: DuckDBConnection,
  reference: ReferenceProfile,
  logged: readonly string[],
): Promise<Record<string, ColumnWindow>> {
  const questions = new Map<string, NumberQuestion>()
  const columns: Record<string, ColumnWindow> = {}
  for (const name of logged) {
    const column = reference.columns[name]!
    if (column.kind === 'number') questions.set(name, column)
    if (column.kind === 'category') columns[name] = await countCategories(connection, 'recent', name, column.categories)
  }
  return { ...columns, ...Object.fromEntries(await countNumbers(connection, 'recent', questions)) }
}
