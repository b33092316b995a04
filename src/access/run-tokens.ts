import type { Database } from '../db/open-database.ts'
import { createRunToken } from './tokens.ts'

type RunOfPerson = { readonly id: string; readonly person: string }

const KEPT_RUNS = 500

/**
 * The token of a run, the same for all its steps: it allows them the same. Made when the first step needs it and kept
 * in memory alone, since the database has only its digest: after a restart the next step is given another, and
 * both are good until the run ends.
 */
export function keepRunTokens(database: Database): (run: RunOfPerson) => Promise<string> {
  const tokens = new Map<string, Promise<string>>()
  return (run) => {
    const known = tokens.get(run.id)
    if (known !== undefined) return known
    const made = database.write((writer) => createRunToken(writer, run), { quiet: true })
    made.catch(() => tokens.delete(run.id))
    const [oldest] = tokens.keys()
    if (tokens.size >= KEPT_RUNS && oldest !== undefined) tokens.delete(oldest)
    tokens.set(run.id, made)
    return made
  }
}
