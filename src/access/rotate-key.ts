import { reach } from '../core/points.ts'
import type { Database, Writer } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import { accessChanged } from './access-event.ts'
import type { Keyring } from './keyring.ts'
import { isRotating, makeNextKey, replaceKey } from './secrets-key.ts'
import { placeOf } from './secrets.ts'
import * as sql from './secrets.sql.ts'

/**
 * Seals every secret with a new key, in one transaction, and lets go of the old one. The new key is on the disk
 * before and the old one until after, so that whenever the server dies every row opens; the next start goes on.
 * Fails with DAMAGED, and changes nothing, where a secret does not open now. Answers how many there are.
 */
export function rotateKey(database: Database, dataFolder: string, keys: Keyring, by: string): Promise<number> {
  return keys.alone(async () => {
    await refuseClosed(database, keys)
    if (!(await isRotating(dataFolder))) keys.add(await makeNextKey(dataFolder))
    return finish(database, dataFolder, keys, by)
  })
}

/** What a server that died had begun. A secret that opens with neither key stays as it is. */
export async function finishRotation(database: Database, dataFolder: string, keys: Keyring): Promise<void> {
  if (await isRotating(dataFolder)) await keys.alone(() => finish(database, dataFolder, keys, 'the server'))
}

async function finish(database: Database, dataFolder: string, keys: Keyring, by: string): Promise<number> {
  await reach('next key written', dataFolder)
  const sealed = await database.write(async (writer) => {
    const count = await sealAnew(writer, keys)
    const event = accessChanged('secrets-key', by, { change: 'key of secrets replaced', secrets: count })
    await appendEvents(writer, database.kind, [event])
    return count
  })
  await reach('secrets sealed anew', dataFolder)
  await replaceKey(dataFolder)
  return sealed
}

async function sealAnew(writer: Writer, keys: Keyring): Promise<number> {
  let count = 0
  for await (const { project, name, sealed } of sql.allSealed(writer)) {
    count += 1
    const place = placeOf(project, name)
    if (keys.isNewest(place, sealed)) continue
    const value = openOrNothing(keys, place, sealed)
    if (value !== undefined) await sql.updateSealed(writer, { project, name, sealed: keys.seal(place, value) })
  }
  return count
}

function openOrNothing(keys: Keyring, place: string, sealed: string): string | undefined {
  try {
    return keys.unseal(place, sealed)
  } catch {
    // It did not open before either; whoever uses it is told by name.
    return undefined
  }
}

async function refuseClosed({ read }: Database, keys: Keyring): Promise<void> {
  for await (const { project, name, sealed } of sql.allSealed(read)) keys.unseal(placeOf(project, name), sealed)
}
