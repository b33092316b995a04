import { existsSync } from 'node:fs'
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/db/open-database.ts'
import { temporaryFolder } from '../source/git-place.ts'
import { mountReadOnly, mountSmall } from './mounts.ts'
import { upUntilEnd, type Ended } from './up-until-end.ts'
import { IS_ROOT } from '../harness/is-root.ts'

let place: Awaited<ReturnType<typeof temporaryFolder>>

beforeAll(async () => {
  place = await temporaryFolder()
})

afterAll(() => place[Symbol.asyncDispose]())

/** A folder of its own for one server. */
async function folderOf(name: string): Promise<string> {
  const folder = join(place.path, name)
  await mkdir(folder)
  return folder
}

/** In words, and without a stack: nobody but us can do anything with one. */
function expectRefusal(ended: Ended, words: RegExp | string): void {
  expect(ended.stderr).toMatch(words)
  expect(ended.stderr).not.toContain('    at ')
  expect(ended.code).toBeGreaterThan(1)
}

async function takenPort(): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

test('a database file that is none, or is cut off, is refused by name and left as it is', async () => {
  const none = await folderOf('none')
  await writeFile(join(none, 'state.db'), 'this is no database, whatever its name says. '.repeat(200))
  const cut = await folderOf('cut')
  await (await openDatabase(`sqlite:${join(cut, 'state.db')}`))[Symbol.asyncDispose]()
  const whole = new DatabaseSync(join(cut, 'state.db'))
  whole.exec('pragma wal_checkpoint(truncate)')
  whole.close()
  await truncate(join(cut, 'state.db'), 6_000)

  expectRefusal(await upUntilEnd(none), 'The database file is damaged')
  expectRefusal(await upUntilEnd(cut), 'The database file is damaged')

  expect(await readFile(join(none, 'state.db'), 'utf8')).toContain('this is no database')
})

test('a database of a newer Tidegate is refused by the numbers of both schemas', async () => {
  const folder = await folderOf('newer')
  const database = await openDatabase(`sqlite:${join(folder, 'state.db')}`)
  await database.write((writer) =>
    writer.updateTable('meta').set({ value: '99999' }).where('key', '=', 'schema').execute(),
  )
  await database[Symbol.asyncDispose]()

  expectRefusal(await upUntilEnd(folder), /The database has schema 99999; this Tidegate knows schemas up to \d+/)
})

test('a port that somebody else has is refused with what to do, and no gateway is left behind', async () => {
  await using taken = await takenPort()
  const [server, gateway] = [await folderOf('port'), await folderOf('gateway-port')]

  expectRefusal(
    await upUntilEnd(server, '--port', String(taken.port)),
    `Port ${taken.port} of 127.0.0.1 is taken by another program. Stop that one, or choose another port with --port`,
  )
  expectRefusal(
    await upUntilEnd(gateway, '--gateway-port', String(taken.port)),
    `Port ${taken.port} of 127.0.0.1 is taken by another program. Stop that one, or choose another port for predictions`,
  )

  expect(existsSync(join(server, 'gateway/gateway.json'))).toBe(false)
  expect(existsSync(join(gateway, 'gateway/gateway.json'))).toBe(false)
})

test('a half-written lock of a server that died keeps nobody out', async () => {
  const folder = await folderOf('half-lock')
  await using taken = await takenPort()
  await writeFile(join(folder, 'server.lock'), '{"pid":')

  expectRefusal(await upUntilEnd(folder, '--port', String(taken.port)), `Port ${taken.port}`)
})

describe.runIf(IS_ROOT)('a disk', () => {
  test('that is mounted read-only is refused in words', async () => {
    const folder = await folderOf('read-only')
    await using _ = await mountReadOnly(folder)

    expectRefusal(await upUntilEnd(folder), `The disk is mounted read-only (${folder}). Mount it for writing again.`)
  })

  test('without room for the database is refused in words', async () => {
    const folder = await folderOf('full')
    await using _ = await mountSmall(folder, '256k')

    expectRefusal(await upUntilEnd(folder), 'No space is left on the disk')
  })
})
