import { join } from 'node:path'
import type { Database } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import { accessChanged } from './access-event.ts'
import { insertMembership } from './memberships.sql.ts'
import { anyPerson, insertPerson } from './people.sql.ts'
import { insertNewToken, newSecret } from './tokens.ts'
import { writePrivateFile } from './write-private-file.ts'

/**
 * The first start makes the person `admin`, who may everything, and writes their token to
 * `<data>/admin-token`. Later starts change nothing, also when the file was deleted, as it should be. The
 * file comes before the rows: a crash between them leaves a token nobody knows of, which the next start
 * overwrites, and never an administrator whose token is lost.
 */
export async function ensureAdministrator(
  database: Database,
  dataFolder: string,
): Promise<{ created: boolean; tokenFile: string }> {
  const tokenFile = join(dataFolder, 'admin-token')
  if (await anyPerson(database.read)) return { created: false, tokenFile }
  const token = newSecret()
  await writePrivateFile(tokenFile, `${token}\n`)
  const created = await database.write(async (writer) => {
    const row = await insertPerson(writer, {
      name: 'admin',
      display_name: 'Administrator',
      email: null,
      created_at: Date.now(),
      disabled_at: null,
    })
    if (row === undefined) return false
    await insertMembership(writer, { project: '*', subject: 'admin', role: 'admin' })
    await insertNewToken(writer, token, { person: 'admin', label: 'first start', runId: null })
    const event = accessChanged('person/admin', 'tidegate', { change: 'administrator created by the first start' })
    await appendEvents(writer, database.kind, [event])
    return true
  })
  return { created, tokenFile }
}
