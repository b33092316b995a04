import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addPerson } from '../../src/api/access.ts'
import { clearRefusal, deployVersion, getDeployment, resumeDeployment, rollBack } from '../../src/api/deployments.ts'
import { createClient } from '../../src/client/client.ts'
import { DATABASES } from '../harness/databases.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'
import { deliveredProject, integerModel, tellStory, until, type Story } from './delivery-story.ts'

const CANARY = `  production:
    approval: none
    rollout: [{ weight: 30%, min-requests: 400 }]
    route-by: "header:x-customer"
    guard-rails: [{ metric: error-rate, max-increase: 1% }]
`

const ZEROS = [[0, 0, 0, 0]]
const FINE = [[1, 7, 2, 3]]

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer
  let ana: TestPerson
  let lead: TestPerson
  let mia: TestPerson

  beforeAll(async () => {
    place = await openTestServer(kind)
    ana = await place.person('ana')
    lead = await place.person('lead', 'approver')
    mia = await place.person('mia', 'maintainer')
  })

  afterAll(() => place[Symbol.asyncDispose]())

  /** Version 1 of a project is live, approved by lead. */
  async function serving(name: string, environments: string): Promise<Story> {
    const story = await tellStory(place, name, deliveredProject(environments))
    await story.push(ana)
    await story.approve(lead, await story.reaches(1, 'production', 'awaiting-approval'))
    await story.reaches(1, 'production', 'live')
    return story
  }

  test('a version that fails on some inputs is rolled back by its rail, and the champion’s customers notice nothing', async () => {
    const story = await tellStory(place, 'canary', deliveredProject(CANARY))
    await story.push(ana)
    const asked = await story.reaches(1, 'production', 'awaiting-approval')
    expect(asked.reason).toContain('always needs a person')
    await expect(story.approve(ana, asked)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await story.approve(lead, asked)
    await story.reaches(1, 'production', 'live')

    await story.push(ana, { 'trained.onnx': integerModel('brittle') })
    const canary = await story.reaches(2, 'production', 'rolling-out')
    // The row is first; traffic follows it.
    await until('the canary to answer', async () => {
      const seen = await askAs(story, customers(40), FINE)
      return { found: new Set(seen.values()).has('2') || undefined, seen: [...seen] }
    })
    const versions = await askAs(story, customers(40), FINE)
    const again = await askAs(story, customers(40), FINE)
    expect(canary).toMatchObject({ champion: 1, weight: 0.3, phases: [{ weight: 0.3 }, { weight: 1 }] })
    expect(again).toEqual(versions)
    expect(new Set(versions.values())).toEqual(new Set(['1', '2']))

    const champions = customers(40).filter((customer) => versions.get(customer) === '1')
    const answers = await blankUntilRolledBack(story, canary.id)
    const rolledBack = await story.reaches(2, 'production', 'rolled-back')
    expect(rolledBack.reason).toMatch(/guard rail error-rate: \d+ of \d+ requests failed, the champion's 0 of \d+/)
    expect(answers.filter(({ customer, status }) => champions.includes(customer) && status !== 200)).toEqual([])
    expect(answers.some(({ status }) => status >= 500)).toBe(true)
    expect(new Set((await askAs(story, customers(40), ZEROS)).values())).toEqual(new Set(['1']))

    const deploy = { params: { project: 'canary' }, body: { version: 2, environment: 'production' } }
    await expect(mia.client.call(deployVersion, deploy)).rejects.toMatchObject({ code: 'DIGEST_REFUSED' })
    await mia.client.call(clearRefusal, {
      params: { project: 'canary', environment: 'production' },
      body: { bundle: rolledBack.bundle, reason: 'blank rows are filtered now' },
    })
    await expect(mia.client.call(deployVersion, deploy)).resolves.toMatchObject({ state: 'queued', version: 2 })
  })

  // What follows is decided by rows, which tests/delivery has on both databases.
  if (kind === 'postgres') return

  test('with `approval: none` the second version goes live by itself, and a person takes it back at once', async () => {
    const story = await serving('plain', '  production: { approval: none }\n')
    await story.push(ana)
    await story.reaches(2, 'production', 'live')
    expect(await story.infer('production', FINE)).toMatchObject({ version: '2' })
    const where = { project: 'plain', environment: 'production' }
    await expect(ana.client.call(rollBack, { params: where, body: { reason: 'a hunch' } })).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('ana needs the role approver in project "plain"'),
    })

    const moved = await lead.client.call(rollBack, { params: where, body: { reason: 'a hunch' } })

    expect(moved).toMatchObject({ version: 2, reason: 'a hunch' })
    // When the command has answered, the other version answers.
    expect(await story.infer('production', FINE)).toMatchObject({ status: 200, version: '1' })
    await story.reaches(2, 'production', 'rolled-back')
    // The same bundle once more, by another commit: it stops where it was rolled back, and says why.
    await story.push(ana, { 'README.md': 'About it.\n' })
    expect(await story.reaches(2, 'production', 'rejected')).toMatchObject({
      run: 'plain#3',
      reason: expect.stringMatching(/Version 2 \(.*\) was rolled back in production: a hunch\. .*tidegate clear/),
    })
    await expect(lead.client.call(rollBack, { params: where, body: { reason: 'more' } })).rejects.toMatchObject({
      code: 'STATE_CONFLICT',
      message: expect.stringContaining('There is no version to go back to from version 1'),
    })
  })

  test('whoever pushed or is named in the commit does not approve, and a newer version takes the place of a waiting one', async () => {
    const story = await tellStory(
      place,
      'people',
      deliveredProject('  production: { approval: { reviewers: [lead, cem, boss] } }\n'),
    )
    const boss = await place.person('boss', 'maintainer')
    // Git names him as the committer of everything here.
    const { token } = await place.admin.client.call(addPerson, {
      body: { name: 'cem', role: 'maintainer', email: 'cem@example.org' },
    })
    const cem = { name: 'cem', token, client: createClient({ url: place.server.address, token }) }
    await story.push(boss)
    const first = await story.reaches(1, 'production', 'awaiting-approval')

    await expect(story.approve(boss, first)).rejects.toMatchObject({ code: 'SELF_APPROVAL' })
    await expect(story.approve(cem, first)).rejects.toMatchObject({ code: 'SELF_APPROVAL' })
    await expect(story.approve(mia, first)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(story.approve(lead, { ...first, bundle: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({
      code: 'STALE_DIGEST',
    })
    await story.push(ana)
    const second = await story.reaches(2, 'production', 'awaiting-approval')

    expect(await story.reaches(1, 'production', 'superseded')).toMatchObject({ reason: 'version 2 came after it' })
    await story.approve(lead, second)
    await story.reaches(2, 'production', 'live')
  })

  test('a phase without enough requests is held past at-most, and goes on when a person says so', async () => {
    const story = await serving(
      'held',
      '  production: { approval: none, rollout: [{ weight: 50%, min-requests: 20, at-most: 300ms }] }\n',
    )
    await story.push(ana)
    const held = await story.reaches(2, 'production', 'held')
    expect(held).toMatchObject({ weight: 0.5, reason: '0 of 20 requests within at-most: a person decides' })

    await askAs(story, customers(25), FINE)
    await lead.client.call(resumeDeployment, {
      params: { project: 'held', deployment: held.id },
      body: { comment: 'enough by now' },
    })

    await story.reaches(2, 'production', 'live')
  })

  test('outside its window an approved version waits and says why', async () => {
    const today = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][new Date().getUTCDay()]!
    const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
    const tomorrow = days[(days.indexOf(today) + 1) % 7]!
    // The day after tomorrow is not tomorrow either, should midnight pass meanwhile.
    const later = days[(days.indexOf(tomorrow) + 2) % 7]!
    const story = await tellStory(
      place,
      'window',
      deliveredProject(`  production: { approval: { reviewers: [lead] }, window: { days: [${later}] } }\n`),
    )
    await story.push(ana)

    await story.approve(lead, await story.reaches(1, 'production', 'awaiting-approval'))

    const { id } = await story.reaches(1, 'production', 'approved')
    await expect
      .poll(() => lead.client.call(getDeployment, { params: { project: 'window', deployment: id } }))
      .toMatchObject({ state: 'approved', reason: 'the window is closed; it starts when it opens' })
    expect(await story.infer('production', FINE)).toMatchObject({ status: 404 })
  })
})

function customers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `customer-${index}`)
}

/** The version that answered each customer. */
async function askAs(story: Story, names: readonly string[], rows: number[][]): Promise<Map<string, string | null>> {
  const answers = await Promise.all(
    names.map(async (name) => [name, await story.infer('production', rows, { 'x-customer': name })] as const),
  )
  return new Map(answers.map(([name, { version }]) => [name, version]))
}

/** Every customer sends a fine row and a blank one, over and over, until the canary is no longer at it. */
async function blankUntilRolledBack(story: Story, id: string): Promise<{ customer: string; status: number }[]> {
  const answers: { customer: string; status: number }[] = []
  for (;;) {
    for (const customer of customers(40)) {
      for (const rows of [FINE, ZEROS]) {
        const { status } = await story.infer('production', rows, { 'x-customer': customer })
        answers.push({ customer, status })
      }
    }
    const now = (await story.deployments('production')).find((one) => one.id === id)
    if (now?.state !== 'rolling-out') return answers
  }
}
