import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addPerson, grantRole, listPeople, whoAmI, withdrawRole } from '../../src/api/access.ts'
import { addProject } from '../../src/api/projects.ts'
import { createClient } from '../../src/client/client.ts'
import type { Role } from '../../src/core/roles.ts'
import { DATABASES } from '../harness/databases.ts'
import { openTestServer, type TestServer } from '../harness/server.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer
  beforeAll(async () => {
    place = await openTestServer(kind)
    for (const name of ['fraud', 'churn']) await place.admin.client.call(addProject, { body: { name, path: '' } })
  })
  afterAll(() => place[Symbol.asyncDispose]())

  const grant = (subject: string, role: Role, project = '*') =>
    place.admin.client.call(grantRole, { body: { subject, role, project } })
  const withdraw = (subject: string, role: Role, project = '*') =>
    place.admin.client.call(withdrawRole, { body: { subject, role, project } })

  async function rolesOf(name: string): Promise<string[]> {
    const { people } = await place.admin.client.call(listPeople, {})
    return people.find((one) => one.name === name)!.roles.map(({ role, project }) => `${role} in ${project}`)
  }

  test('a person gets a role in one more project and loses it again', async () => {
    const body = { name: 'ana', role: 'developer' as const, project: 'fraud' }
    const { token } = await place.admin.client.call(addPerson, { body })
    const ana = createClient({ url: place.server.address, token })

    await grant('ana', 'viewer', 'churn')
    await grant('ana', 'viewer', 'churn')
    const granted = await rolesOf('ana')
    const { roles } = await ana.call(whoAmI, {})
    await withdraw('ana', 'viewer', 'churn')
    await withdraw('ana', 'viewer', 'churn')

    expect(granted).toEqual(['viewer in churn', 'developer in fraud'])
    expect(roles).toEqual({ churn: ['viewer'], fraud: ['viewer', 'developer'] })
    expect(await rolesOf('ana')).toEqual(['developer in fraud'])
  })

  test('a role is granted to who is there, in a project that is there, by an admin', async () => {
    const bo = await place.person('bo')

    await expect(grant('nobody', 'viewer')).rejects.toThrow('There is no person or group "nobody" to be viewer.')
    await expect(grant('group:none', 'viewer')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(grant('bo', 'viewer', 'none')).rejects.toThrow('There is no project "none".')
    const own = { body: { subject: 'bo', role: 'admin' as const, project: '*' } }
    await expect(bo.client.call(grantRole, own)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  test('the last admin stays one', async () => {
    await place.person('cy')

    await expect(withdraw('admin', 'admin')).rejects.toThrow('admin is the last admin')
    await grant('cy', 'admin')
    await withdraw('admin', 'admin')

    await expect(grant('cy', 'viewer')).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })
})
