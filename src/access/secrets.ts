import { AppError } from '../core/errors.ts'
import { SecretName } from '../core/secret-name.ts'
import { limit } from '../core/limits.ts'
import type { Database, Reader, Writer } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import { accessChanged } from './access-event.ts'
import type { Keyring } from './keyring.ts'
import * as sql from './secrets.sql.ts'

export interface SecretInfo {
  readonly name: string
  readonly updatedAt: number
  readonly updatedBy: string
}

/** Creates or replaces. The value is sealed before it reaches the database, and stands in no event. */
export async function setSecret(
  database: Database,
  keys: Keyring,
  secret: { project: string; name: string; value: string },
  by: string,
): Promise<void> {
  refuseBadSecret(secret.name, secret.value)
  const { project, name } = secret
  const store = async (writer: Writer) => {
    const sealed = keys.seal(placeOf(project, name), secret.value)
    await sql.upsertSecret(writer, { project, name, sealed, updated_at: Date.now(), updated_by: by })
    const event = accessChanged(`secret/${name}`, by, { change: 'secret set' }, project)
    await appendEvents(writer, database.kind, [event])
  }
  await keys.alone(() => database.write(store))
}

/** Fails with NOT_FOUND. */
export async function removeSecret(database: Database, project: string, name: string, by: string): Promise<void> {
  await database.write(async (writer) => {
    if (!(await sql.deleteSecret(writer, project, name))) {
      throw new AppError('NOT_FOUND', `Project "${project}" has no secret ${name}.`)
    }
    const event = accessChanged(`secret/${name}`, by, { change: 'secret removed' }, project)
    await appendEvents(writer, database.kind, [event])
  })
}

/** Of more than a page nobody knows all: undefined. */
export async function allSecretNames(reader: Reader, project: string): Promise<string[] | undefined> {
  const rows = await sql.selectSecrets(reader, project)
  return rows.length < limit('pageRows') ? rows.map(({ name }) => name) : undefined
}

/** Never with values: those are only for steps. */
export async function listSecretNames(reader: Reader, project: string): Promise<SecretInfo[]> {
  const rows = await sql.selectSecrets(reader, project)
  return rows.map((row) => ({ name: row.name, updatedAt: row.updated_at, updatedBy: row.updated_by }))
}

/** The values of all these names, or NOT_FOUND naming those that are not set. */
export async function openSecrets(
  reader: Reader,
  keys: Keyring,
  project: string,
  names: readonly string[],
): Promise<Record<string, string>> {
  if (names.length === 0) return {}
  const rows = await sql.selectSealed(reader, project, names)
  const missing = names.filter((name) => !rows.some((row) => row.name === name))
  if (missing.length > 0) {
    throw new AppError(
      'NOT_FOUND',
      `Project "${project}" has no secret ${missing.join(', ')}. Set it with \`tidegate secret set\`.`,
      { missing },
    )
  }
  return Object.fromEntries(rows.map((row) => [row.name, keys.unseal(placeOf(project, row.name), row.sealed)]))
}

/** The values of those of these names that are set. */
export async function knownSecrets(
  reader: Reader,
  keys: Keyring,
  project: string,
  names: readonly string[],
): Promise<string[]> {
  if (names.length === 0) return []
  const rows = await sql.selectSealed(reader, project, names)
  return rows.map((row) => keys.unseal(placeOf(project, row.name), row.sealed))
}

/** The kernel refuses a variable of more than 128 KiB, and a secret becomes a variable. */
const VALUE_BYTES = 64 << 10

function refuseBadSecret(name: string, value: string): void {
  const wrong = SecretName.safeParse(name).error?.issues[0]
  if (wrong !== undefined)
    throw new AppError('INVALID_INPUT', `${JSON.stringify(name)} cannot name a secret: ${wrong.message}.`)
  if (value === '' || value.includes('\0') || Buffer.byteLength(value) > VALUE_BYTES) {
    throw new AppError('INVALID_INPUT', `The value of ${name} must be 1 to ${VALUE_BYTES} bytes of text without NUL.`)
  }
}

/** What a value is bound to when it is sealed. */
export function placeOf(project: string, name: string): string {
  return `${project}/${name}`
}
