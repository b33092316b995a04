import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getAcceptance, judgeCase, signAcceptance, type AcceptanceSession } from '../../src/api/acceptance.ts'
import { addPerson } from '../../src/api/access.ts'
import { deployVersion, type Deployment } from '../../src/api/deployments.ts'
import { getRun } from '../../src/api/runs.ts'
import { createClient } from '../../src/client/client.ts'
import { DATABASES } from '../harness/databases.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'
import { deliveredProject, integerModel, tellStory, until, type Story } from './delivery-story.ts'

const ENVIRONMENTS = `  staging:
    acceptance: { testers: [tess, tom, cem, paul], required: 2, cases: cases.jsonl, blind: true }
  production: { approval: none }
`

const CASES = [
  { id: 'blank', inputs: [row([0, 0, 0, 0])], question: 'Is a blank row answered?', critical: true },
  { id: 'second', inputs: [row([1, 9, 1, 1])], expected: 1, show: { image: { input: 'x', shape: [2, 2] } } },
  ...Array.from({ length: 4 }, (_, index) => ({ id: `more-${index}`, inputs: [row([index, 0, 0, 20])] })),
]

function row(data: number[]) {
  return { name: 'x', shape: [1, 4], datatype: 'INT64', data }
}

const CASE_FILE = CASES.map((one) => `${JSON.stringify(one)}\n`).join('')

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer
  let ana: TestPerson
  let lead: TestPerson
  let tess: TestPerson
  let tom: TestPerson
  /** A tester, and in git the committer of everything here. */
  let cem: TestPerson
  /** A tester who may push too. */
  let paul: TestPerson

  beforeAll(async () => {
    place = await openTestServer(kind)
    ana = await place.person('ana')
    lead = await place.person('lead', 'maintainer')
    tess = await place.person('tess', 'tester')
    tom = await place.person('tom', 'tester')
    paul = await place.person('paul', 'maintainer')
    const { token } = await place.admin.client.call(addPerson, {
      body: { name: 'cem', role: 'tester', email: 'cem@example.org' },
    })
    cem = { name: 'cem', token, client: createClient({ url: place.server.address, token }) }
  })

  afterAll(() => place[Symbol.asyncDispose]())

  async function toldTo(name: string): Promise<Story> {
    return tellStory(place, name, deliveredProject(ENVIRONMENTS, { files: { 'cases.jsonl': CASE_FILE } }))
  }

  test('testers judge what they are shown, sign what they judged, and the version goes on', async () => {
    const story = await toldTo('first')
    await story.push(ana)
    const deployment = await story.reaches(1, 'staging', 'awaiting-acceptance')

    const session = await opened(tess, deployment)
    expect(session).toMatchObject({ state: 'open', champion: null, required: 2, blind: true })
    expect(session.cases.slice(0, 2)).toMatchObject([
      { id: 'blank', question: 'Is a blank row answered?', critical: true, sides: { a: { prediction: '0' } } },
      { id: 'second', expected: '1', show: { image: { shape: [2, 2] } }, sides: { a: { prediction: '1' } } },
    ])
    await expect(judge(tess, deployment, 'second', 'better-a')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('there is no champion to compare with'),
    })
    await expect(judge(lead, deployment, 'second', 'right')).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('lead is not a tester of staging'),
    })
    await expect(judge(cem, deployment, 'second', 'right')).rejects.toMatchObject({ code: 'SELF_APPROVAL' })
    await judge(tess, deployment, 'blank', 'wrong')
    await expect(sign(tess, deployment, 'accept', session.digest)).rejects.toMatchObject({
      code: 'STATE_CONFLICT',
      message: expect.stringContaining('tess has not judged 5 of the cases yet (second, more-0'),
    })
    await judgeAll(tess, deployment, 'right')
    await expect(sign(tess, deployment, 'accept', `sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({
      code: 'STALE_DIGEST',
    })
    expect(await sign(tess, deployment, 'accept', session.digest)).toMatchObject({ state: 'open' })
    await judgeAll(tom, deployment, 'right')
    expect(await sign(tom, deployment, 'accept', session.digest)).toMatchObject({ state: 'accepted' })

    expect(await story.reaches(1, 'staging', 'live')).toMatchObject({ reason: 'accepted by tess, tom', weight: 1 })
    await story.reaches(1, 'production', 'awaiting-approval')
    await expect(sign(tom, deployment, 'reject', session.digest)).rejects.toMatchObject({ code: 'STATE_CONFLICT' })
  })

  // What follows is decided by rows, which tests/delivery has on both databases.
  if (kind === 'postgres') return

  test('beside a champion the sides are hidden from each tester in their own way, also after they judged', async () => {
    const story = await toldTo('blind')
    await story.push(ana)
    await accept(await story.reaches(1, 'staging', 'awaiting-acceptance'))
    await story.approve(lead, await story.reaches(1, 'production', 'awaiting-approval'))
    await story.reaches(1, 'production', 'live')
    await story.push(paul, { 'trained.onnx': integerModel('brittle') })
    const deployment = await story.reaches(2, 'staging', 'awaiting-acceptance')

    const shown = await opened(tess, deployment)
    const shownToTom = await opened(tom, deployment)
    expect(shown.champion).toBe(1)
    // Only the candidate fails on a blank row: on which side it is differs between cases and testers.
    const failing = ({ sides }: AcceptanceSession['cases'][number]) => (sides.a.error === undefined ? 'b' : 'a')
    const blank = shown.cases[0]!
    expect([blank.sides.a, blank.sides.b].filter((side) => side?.error !== undefined)).toHaveLength(1)
    expect(shownToTom.cases.map(({ id }) => id)).toEqual(shown.cases.map(({ id }) => id))
    const worse = failing(blank) === 'a' ? 'better-b' : 'better-a'
    const judged = await judge(tess, deployment, 'blank', worse)

    expect(judged.cases[0]).toMatchObject({ verdict: worse })
    expect(judged.agreement).toBe('1 verdicts on 6 cases.')
    await expect(judge(paul, deployment, 'blank', 'same')).rejects.toMatchObject({ code: 'SELF_APPROVAL' })

    // One rejection stops the delivery, and staging goes back to what served before.
    expect(await story.infer('staging', [[1, 2, 3, 4]])).toMatchObject({ version: '2' })
    await sign(tess, deployment, 'reject', shown.digest, 'blank rows fail')
    expect(await story.reaches(2, 'staging', 'rejected')).toMatchObject({
      reason: 'tess did not accept it: blank rows fail',
    })
    expect(await story.infer('staging', [[1, 2, 3, 4]])).toMatchObject({ status: 200, version: '1' })
    expect((await story.deployments('production')).map(({ version }) => version)).toEqual([1])
    const run = await ana.client.call(getRun, { params: { project: 'blind', number: 2 } })
    expect(run.stages.find(({ name }) => name === 'acceptance')).toMatchObject({ state: 'failed' })
    expect(run.stages.find(({ name }) => name === 'staging')).toMatchObject({ state: 'succeeded' })
  })

  test('when the champion changes, what was signed is void and testers are asked anew', async () => {
    const story = await toldTo('moved')
    await story.push(ana)
    await accept(await story.reaches(1, 'staging', 'awaiting-acceptance'))
    await story.approve(lead, await story.reaches(1, 'production', 'awaiting-approval'))
    await story.reaches(1, 'production', 'live')
    await story.push(ana)
    const deployment = await story.reaches(2, 'staging', 'awaiting-acceptance')
    const before = await opened(tess, deployment)
    await judgeAll(tess, deployment, 'same')
    await sign(tess, deployment, 'accept', before.digest)

    await lead.client.call(deployVersion, {
      params: { project: 'moved' },
      body: { version: 2, environment: 'production' },
    })
    await story.reaches(2, 'production', 'live')
    await expect(sign(tom, deployment, 'accept', before.digest)).rejects.toMatchObject({
      code: expect.stringMatching(/STALE_DIGEST|STATE_CONFLICT/),
    })

    const after = await until('another session', async () => {
      const seen = await opened(tess, deployment)
      return { found: seen.id === before.id || seen.state !== 'open' ? undefined : seen, seen }
    })
    expect(after.digest).not.toBe(before.digest)
    expect(after.signatures).toEqual([])
    expect(after.cases.every(({ verdict }) => verdict === null)).toBe(true)
  })

  test('cases that cannot be read end the delivery with their file and line', async () => {
    const story = await toldTo('unread')
    await story.push(ana, { 'cases.jsonl': '{"id": "a", "inputs": []}\n{"id"\n' })

    const rejected = await story.reaches(1, 'staging', 'rejected')

    expect(rejected.reason).toMatch(/testers cannot be asked: cases\.jsonl:1:1: .*\n?cases\.jsonl:2:1: .*not JSON/s)
  })

  async function accept(deployment: Deployment): Promise<void> {
    const { digest, champion } = await opened(tess, deployment)
    for (const tester of [tess, tom]) {
      await judgeAll(tester, deployment, champion === null ? 'right' : 'same')
      await sign(tester, deployment, 'accept', digest)
    }
  }
})

function at(deployment: Deployment) {
  return { project: deployment.project, deployment: deployment.id }
}

/** The session as a person sees it, once testers were asked. */
async function opened(person: TestPerson, deployment: Deployment): Promise<AcceptanceSession> {
  return until('testers to be asked', async () => {
    const found = await person.client
      .call(getAcceptance, { params: at(deployment) })
      .catch((error: { code?: string }) => (error.code === 'NOT_READY' ? undefined : Promise.reject(error as Error)))
    return { found, seen: found }
  })
}

type Verdict = 'better-a' | 'better-b' | 'same' | 'right' | 'wrong'

function judge(person: TestPerson, deployment: Deployment, id: string, verdict: Verdict): Promise<AcceptanceSession> {
  return person.client.call(judgeCase, { params: at(deployment), body: { case: id, verdict, comment: '' } })
}

async function judgeAll(person: TestPerson, deployment: Deployment, verdict: Verdict): Promise<void> {
  for (const { id } of CASES) await judge(person, deployment, id, verdict)
}

function sign(
  person: TestPerson,
  deployment: Deployment,
  decision: 'accept' | 'reject',
  digest: string,
  comment = '',
): Promise<AcceptanceSession> {
  return person.client.call(signAcceptance, { params: at(deployment), body: { decision, digest, comment } })
}
