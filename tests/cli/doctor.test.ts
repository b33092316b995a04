import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { mkdir, readdir } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase } from '../harness/databases.ts'
import { openCommandPlace, writeFiles, type CommandPlace } from './command.ts'

let place: CommandPlace

beforeAll(async () => {
  place = await openCommandPlace()
})
afterAll(() => place[Symbol.asyncDispose]())

interface Answer {
  readonly ok: boolean
  readonly checks: readonly { check: string; state: string; found: string; todo: string }[]
}

async function doctor(serverYaml: string, env: Readonly<Record<string, string>> = {}) {
  await writeFiles(place.folder, { 'server.yaml': serverYaml })
  const outcome = await place.tidegate(place.folder, ['--json', 'doctor', '--config', 'server.yaml'], env)
  const answer = JSON.parse(outcome.stdout) as Answer
  return { code: outcome.code, checks: Object.fromEntries(answer.checks.map((check) => [check.check, check])) }
}

test('what is there is found, and nothing is made', async () => {
  const { checks } = await doctor(`data: ${join(place.folder, 'fresh')}\nport: 0\ngateway-port: 0\n`)

  expect(checks['git']).toMatchObject({ state: 'ok' })
  expect(checks['image builder']).toMatchObject({ state: 'ok', found: expect.stringContaining('buildah version') })
  expect(checks['duckdb']).toMatchObject({ state: 'ok' })
  expect(checks['onnxruntime']).toMatchObject({ state: 'ok' })
  expect(checks['database']).toMatchObject({ state: 'ok' })
  expect(await readdir(place.folder)).not.toContain('fresh')
})

test('without a builder of images all is well, and it is said how to get one', async () => {
  const { checks } = await doctor('port: 0\ngateway-port: 0\n', { PATH: '/no-such-folder' })

  expect(checks['image builder']).toMatchObject({ state: 'ok', found: expect.stringContaining('buildah crun') })
})

test('a port that another program has is missing, and the exit code is 1', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo

  const { code, checks } = await doctor(`data: ${place.data}\nport: ${port}\ngateway-port: 0\n`)
  other.close()

  expect(code).toBe(1)
  expect(checks['port']).toMatchObject({ state: 'missing', todo: expect.stringContaining('--port') as string })
})

test('a Postgres that answers is told by its version, one that does not by its address', async () => {
  await using database = await createTestDatabase('postgres')

  const there = await doctor(`database: ${database.url}\nport: 0\ngateway-port: 0\n`)
  const away = await doctor('database: postgres://nobody:secret@127.0.0.1:1/none\nport: 0\ngateway-port: 0\n')

  expect(there.checks['database']).toMatchObject({
    state: 'ok',
    found: expect.stringMatching(/^Postgres \d/) as string,
  })
  expect(away.checks['database']).toMatchObject({ state: 'missing' })
  expect(JSON.stringify(away.checks)).not.toContain('secret')
})

test('a database that a newer Tidegate wrote is refused by both versions', async () => {
  const data = join(place.folder, 'newer')
  await mkdir(data)
  const connection = new DatabaseSync(join(data, 'state.db'))
  connection.exec("create table meta (key text, value text); insert into meta values ('schema', '999')")
  connection.close()

  const { code, checks } = await doctor(`data: ${data}\nport: 0\ngateway-port: 0\n`)

  expect(code).toBe(1)
  expect(checks['database']?.found).toMatch(/has schema 999; this Tidegate knows schemas up to \d+/)
})

test('a configuration with problems is told with their places', async () => {
  const { code, checks } = await doctor('prot: 7070\n')

  expect(code).toBe(1)
  expect(checks['configuration']?.found).toContain('server.yaml:1:1')
})
