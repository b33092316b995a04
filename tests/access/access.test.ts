import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureAdministrator } from '../../src/access/ensure-administrator.ts'
import { addMember, createGroup, membersOf, removeMember } from '../../src/access/groups.ts'
import { grantRole, listMemberships, withdrawRole } from '../../src/access/memberships.ts'
import {
  createPerson,
  disablePerson,
  expandNames,
  listPeople,
  peopleByEmail,
  unknownNames,
} from '../../src/access/people.ts'
import { hasRole, requireRole, rolesOf } from '../../src/access/require-role.ts'
import { Keyring } from '../../src/access/keyring.ts'
import { rotateKey } from '../../src/access/rotate-key.ts'
import { openSecretsKeys } from '../../src/access/secrets-key.ts'
import { listSecretNames, openSecrets, removeSecret, setSecret } from '../../src/access/secrets.ts'
import {
  authenticate,
  createRunToken,
  createToken,
  listTokens,
  revokeRunTokens,
  revokeToken,
} from '../../src/access/tokens.ts'
import type { Database } from '../../src/db/open-database.ts'
import { readEvents } from '../../src/db/outbox.ts'
import { DATABASES, openTestDatabase, type TestDatabase } from '../harness/databases.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestDatabase
  let database: Database
  let folder: string

  beforeAll(async () => {
    place = await openTestDatabase(kind)
    database = place.database
    folder = await mkdtemp(join(tmpdir(), 'tidegate-access-'))
  })

  afterAll(async () => {
    await place[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('the first start makes an administrator whose token stands in a private file, later ones do nothing', async () => {
    const first = await ensureAdministrator(database, folder)
    const token = (await readFile(first.tokenFile, 'utf8')).trim()
    const second = await ensureAdministrator(database, folder)

    expect(first.created).toBe(true)
    expect(second.created).toBe(false)
    expect((await stat(first.tokenFile)).mode & 0o777).toBe(0o600)
    expect((await readFile(first.tokenFile, 'utf8')).trim()).toBe(token)
    const identity = await authenticate(database, token)
    expect(identity).toMatchObject({ person: 'admin' })
    await requireRole(database.read, identity!, '*', 'admin')
    await requireRole(database.read, identity!, 'any-project', 'maintainer')
  })

  test('a person exists once and has an acceptable name', async () => {
    await createPerson(database, { name: 'once', displayName: 'Once Only', email: 'Once@Example.org' }, 'admin')

    await expect(createPerson(database, { name: 'once' }, 'admin')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    for (const name of ['', 'Ana', '-x', 'group:x', 'a b', '../x', 'x'.repeat(64)]) {
      await expect(createPerson(database, { name }, 'admin')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    expect((await listPeople(database.read)).find((person) => person.name === 'once')).toMatchObject({
      displayName: 'Once Only',
      email: 'once@example.org',
    })
    expect(await peopleByEmail(database.read, ['ONCE@example.org', 'nobody@example.org'])).toEqual(
      new Map([['once@example.org', ['once']]]),
    )
  })

  test('only the digest of a token is stored, and a revoked, expired or misspelt one is nobody', async () => {
    await createPerson(database, { name: 'tok' }, 'admin')
    const good = await createToken(database, { person: 'tok', label: 'laptop' }, 'tok')
    const late = await createToken(database, { person: 'tok', label: 'old', expiresAt: Date.now() - 1 }, 'tok')
    const gone = await createToken(database, { person: 'tok', label: 'lost' }, 'tok')

    await revokeToken(database, gone.id, 'admin')

    expect(good.token).toMatch(/^tg_[A-Za-z0-9_-]{43}$/)
    expect(await authenticate(database, good.token)).toEqual({ person: 'tok', tokenId: good.id })
    for (const token of [late.token, gone.token, `${good.token}x`, good.token.slice(3), '', 'tg_', '%']) {
      expect(await authenticate(database, token)).toBeUndefined()
    }
    const stored = await database.read.selectFrom('tokens').selectAll().execute()
    expect(JSON.stringify(stored)).not.toContain(good.token)
    expect((await listTokens(database.read, 'tok')).map((token) => token.label).sort()).toEqual([
      'laptop',
      'lost',
      'old',
    ])
    await expect(revokeToken(database, gone.id, 'admin')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(createToken(database, { person: 'nobody', label: 'x' }, 'admin')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  test('the tokens of a disabled person are refused', async () => {
    await createPerson(database, { name: 'leaver' }, 'admin')
    const { token } = await createToken(database, { person: 'leaver', label: 'laptop' }, 'leaver')

    await disablePerson(database, 'leaver', 'admin')

    expect(await authenticate(database, token)).toBeUndefined()
    await expect(disablePerson(database, 'leaver', 'admin')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('a run token knows its run, has no role, and ends with the run', async () => {
    await createPerson(database, { name: 'runner' }, 'admin')
    await grantRole(database, { project: '*', subject: 'runner', role: 'admin' }, 'admin')
    const token = await database.write((writer) => createRunToken(writer, { id: 'run-1', person: 'runner' }))

    const identity = await authenticate(database, token)
    const refused = requireRole(database.read, identity!, 'digits', 'viewer')

    expect(identity).toMatchObject({ person: 'runner', runId: 'run-1' })
    await expect(refused).rejects.toThrow(/belongs to a run/)
    await database.write((writer) => revokeRunTokens(writer, 'run-1'))
    expect(await authenticate(database, token)).toBeUndefined()
  })

  test('a role holds in its project, through groups too, until it is withdrawn', async () => {
    for (const name of ['ana', 'bo']) await createPerson(database, { name }, 'admin')
    await createGroup(database, 'risk', 'admin')
    await addMember(database, 'risk', 'bo', 'admin')
    await grantRole(database, { project: 'digits', subject: 'ana', role: 'developer' }, 'admin')
    await grantRole(database, { project: 'digits', subject: 'group:risk', role: 'approver' }, 'admin')
    const ana = { person: 'ana', tokenId: 't' }
    const bo = { person: 'bo', tokenId: 't' }

    await requireRole(database.read, ana, 'digits', 'viewer')
    expect(await rolesOf(database.read, bo, 'digits')).toEqual(['approver'])
    expect(await hasRole(database.read, bo, 'digits', 'developer')).toBe(false)
    expect(await rolesOf(database.read, ana, 'other')).toEqual([])
    expect(await rolesOf(database.read, ana, '*')).toEqual([])
    await expect(requireRole(database.read, ana, 'digits', 'approver')).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: 'ana needs the role approver in project "digits" and is developer. An admin can grant it.',
    })
    await removeMember(database, 'risk', 'bo', 'admin')
    await withdrawRole(database, { project: 'digits', subject: 'ana', role: 'developer' }, 'admin')
    expect(await rolesOf(database.read, bo, 'digits')).toEqual([])
    expect(await rolesOf(database.read, ana, 'digits')).toEqual([])
    expect(await listMemberships(database.read, 'digits')).toEqual([
      { project: 'digits', subject: 'group:risk', role: 'approver' },
    ])
  })

  test('names in a pipeline file expand to enabled people, and unknown ones are named', async () => {
    for (const name of ['p1', 'p2', 'p3', 'p4']) await createPerson(database, { name }, 'admin')
    await createGroup(database, 'jury', 'admin')
    for (const name of ['p2', 'p3', 'p4']) await addMember(database, 'jury', name, 'admin')
    await disablePerson(database, 'p4', 'admin')

    expect(await expandNames(database.read, ['p1', 'group:jury', 'p2', 'nobody'])).toEqual(['p1', 'p2', 'p3'])
    expect(await unknownNames(database.read, ['p1', 'nobody', 'group:jury', 'group:none', 'p4', 'nobody'])).toEqual([
      'nobody',
      'group:none',
      'p4',
    ])
    expect(await membersOf(database.read, 'jury')).toEqual(['p2', 'p3', 'p4'])
    await expect(addMember(database, 'none', 'p1', 'admin')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(addMember(database, 'jury', 'none', 'admin')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(createGroup(database, 'jury', 'admin')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    await expect(
      grantRole(database, { project: '*', subject: 'group:none', role: 'viewer' }, 'admin'),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('secrets are sealed at rest, belong to one project, and open with the key of this data folder only', async () => {
    const key = await openSecretsKeys(folder)
    await setSecret(database, key, { project: 'digits', name: 'LAKE_KEY', value: 'first-value' }, 'ana')
    await setSecret(database, key, { project: 'digits', name: 'LAKE_KEY', value: 's3cr3t-value' }, 'bo')

    const sameKey = await openSecretsKeys(folder)
    const otherKey = await openSecretsKeys(join(folder, 'other'))

    expect((await stat(join(folder, 'keys', 'secrets.key'))).mode & 0o777).toBe(0o600)
    expect(await openSecrets(database.read, sameKey, 'digits', ['LAKE_KEY'])).toEqual({ LAKE_KEY: 's3cr3t-value' })
    await expect(openSecrets(database.read, otherKey, 'digits', ['LAKE_KEY'])).rejects.toMatchObject({
      code: 'DAMAGED',
    })
    await expect(openSecrets(database.read, key, 'other', ['LAKE_KEY'])).rejects.toThrow(/no secret LAKE_KEY/)
    expect(await listSecretNames(database.read, 'digits')).toMatchObject([{ name: 'LAKE_KEY', updatedBy: 'bo' }])
    const rows = await database.read.selectFrom('secrets').selectAll().execute()
    const events = await readEvents(database.read, 0, 1_000)
    expect(JSON.stringify([rows, events])).not.toContain('s3cr3t-value')
    await removeSecret(database, 'digits', 'LAKE_KEY', 'bo')
    expect(await openSecrets(database.read, key, 'digits', [])).toEqual({})
    await expect(removeSecret(database, 'digits', 'LAKE_KEY', 'bo')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    for (const bad of [
      { name: 'A-B', value: 'x' },
      { name: '', value: 'x' },
      { name: 'PATH', value: 'x' },
      { name: 'LD_PRELOAD', value: 'x' },
      { name: 'TIDEGATE_RUN', value: 'x' },
      { name: 'OK', value: '' },
      { name: 'OK', value: 'a\0b' },
      { name: 'OK', value: 'x'.repeat(70_000) },
    ]) {
      await expect(setSecret(database, key, { project: 'digits', ...bad }, 'bo')).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      })
    }
  })

  test('a new key opens every secret, the old one none, and what was set meanwhile opens too', async () => {
    const place = join(folder, 'rotated')
    const keys = await openSecretsKeys(place)
    const before = await readFile(join(place, 'keys', 'secrets.key'))
    for (let at = 0; at < 250; at++) {
      await setSecret(database, keys, { project: 'rotated', name: `KEY_${at}`, value: `value-${at}` }, 'ana')
    }
    const names = ['KEY_0', 'KEY_249', 'MEANWHILE']

    const [count] = await Promise.all([
      rotateKey(database, place, keys, 'mia'),
      setSecret(database, keys, { project: 'rotated', name: 'MEANWHILE', value: 'set-meanwhile' }, 'bo'),
    ])

    const after = await readFile(join(place, 'keys', 'secrets.key'))
    const opened = { KEY_0: 'value-0', KEY_249: 'value-249', MEANWHILE: 'set-meanwhile' }
    expect(count).toBe(250)
    expect(await openSecrets(database.read, keys, 'rotated', names)).toEqual(opened)
    expect(await openSecrets(database.read, await openSecretsKeys(place), 'rotated', names)).toEqual(opened)
    expect(after.equals(before)).toBe(false)
    expect(await readdir(join(place, 'keys'))).toEqual(['secrets.key'])
    for (const name of names) {
      await expect(openSecrets(database.read, new Keyring(before), 'rotated', [name])).rejects.toThrow('does not open')
    }
    expect(await listSecretNames(database.read, 'rotated')).toContainEqual(
      expect.objectContaining({ name: 'KEY_0', updatedBy: 'ana' }),
    )
    const events = await readEvents(database.read, 0, 1_000, { subjectPrefix: 'secrets-key' })
    expect(events.map(({ data }) => data)).toEqual([{ change: 'key of secrets replaced', secrets: 250, by: 'mia' }])
    await database.write((writer) => writer.deleteFrom('secrets').where('project', '=', 'rotated').execute())
  })

  test('a rotation is refused, and nothing changed, where a secret does not open with the key there is', async () => {
    const [place, elsewhere] = [join(folder, 'refused'), join(folder, 'elsewhere')]
    const keys = await openSecretsKeys(place)
    await setSecret(database, keys, { project: 'refused', name: 'FINE', value: 'fine' }, 'ana')
    await setSecret(
      database,
      await openSecretsKeys(elsewhere),
      { project: 'refused', name: 'LOST', value: 'lost' },
      'ana',
    )

    await expect(rotateKey(database, place, keys, 'mia')).rejects.toThrow('refused/LOST does not open')

    expect(await readdir(join(place, 'keys'))).toEqual(['secrets.key'])
    expect(await openSecrets(database.read, await openSecretsKeys(place), 'refused', ['FINE'])).toEqual({
      FINE: 'fine',
    })
    await database.write((writer) => writer.deleteFrom('secrets').where('project', '=', 'refused').execute())
  })

  test('every change of access is an event that names who made it', async () => {
    await createPerson(database, { name: 'audited' }, 'admin')
    await grantRole(database, { project: 'digits', subject: 'audited', role: 'tester' }, 'lead')

    const events = await readEvents(database.read, 0, 1_000, { subjectPrefix: 'person/audited' })

    expect(events.map(({ kind, project, data }) => ({ kind, project, data }))).toEqual([
      { kind: 'access.changed', project: null, data: { change: 'person created', by: 'admin' } },
      { kind: 'access.changed', project: 'digits', data: { change: 'role granted', role: 'tester', by: 'lead' } },
    ])
  })
})
