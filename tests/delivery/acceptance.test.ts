import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import type { DeploymentRow } from '../../src/db/tables.ts'
import { judgeCase } from '../../src/delivery/acceptance/judge-case.ts'
import { saidBy } from '../../src/delivery/acceptance/session-sides.ts'
import { signedDigest, signSession } from '../../src/delivery/acceptance/sign-session.ts'
import { sessionOf, signaturesOf, verdictsOf } from '../../src/delivery/acceptance/acceptance.sql.ts'
import { rollBackEnvironment } from '../../src/delivery/production/roll-back.ts'
import { DATABASES, openTestDatabase, type TestDatabase } from '../harness/databases.ts'
import { freshPlace, production, PROJECT, type DeliveryPlace } from './delivery-place.ts'

const ACCEPTED = production('{ approval: { reviewers: [lead] }, acceptance: { testers: [tess, tom], required: 2 } }')

describe.each(DATABASES)('on %s', (kind) => {
  let opened: TestDatabase
  let place: DeliveryPlace

  beforeAll(async () => {
    opened = await openTestDatabase(kind)
  })

  beforeEach(async () => {
    place = await freshPlace(opened)
  })

  afterAll(() => opened[Symbol.asyncDispose]())

  /** A version that serves while its testers are asked. */
  async function asked(version = 1): Promise<DeploymentRow> {
    const rules = { ...ACCEPTED, approval: 'none' } as const
    Object.assign(place.options, { isLast: async () => false })
    const deployment = await place.send(version, rules)
    await place.settle()
    return deployment
  }

  async function session(deployment: DeploymentRow) {
    return (await sessionOf(place.database.read, deployment.id))!
  }

  async function judge(deployment: DeploymentRow, person: string, verdict: string): Promise<void> {
    const row = await place.row(deployment)
    await place.database.write((writer) => judgeCase(writer, kind, row, { person, caseId: 'c1', verdict, comment: '' }))
  }

  async function sign(
    deployment: DeploymentRow,
    person: string,
    decision: 'accept' | 'reject' = 'accept',
    champion = place.traffic.champion,
  ) {
    const digest = signedDigest(await session(deployment))
    const row = await place.row(deployment)
    return place.database.write((writer) =>
      signSession(writer, kind, row, { person, decision, digest, comment: 'seen', champion }),
    )
  }

  test('as many signatures as required make it live, with all traffic', async () => {
    const deployment = await asked()
    for (const person of ['tess', 'tom']) await judge(deployment, person, 'right')

    await sign(deployment, 'tess')
    await sign(deployment, 'tess')
    expect(await place.state(deployment)).toBe('awaiting-acceptance')
    await sign(deployment, 'tom')

    expect(await place.row(deployment)).toMatchObject({ state: 'live', weight: 1, reason: 'accepted by tess, tom' })
    expect(await session(deployment)).toMatchObject({ state: 'accepted' })
    expect(await signaturesOf(place.database.read, (await session(deployment)).id)).toHaveLength(2)
  })

  test('a tester who pushed the change neither judges nor signs it, unless the rules allow it', async () => {
    place.traffic.testers = ['ana', 'tess']
    const deployment = await asked()
    await expect(judge(deployment, 'ana', 'right')).rejects.toMatchObject({ code: 'SELF_APPROVAL' })
    await expect(sign(deployment, 'ana')).rejects.toMatchObject({ code: 'SELF_APPROVAL' })

    const allowing = { approval: { reviewers: ['ana'], required: 1, expiresMs: 1e9, allowSelfApproval: true } }
    const rules = JSON.stringify({ ...ACCEPTED, ...allowing })
    await place.database.write((writer) =>
      writer.updateTable('deployments').set({ rules }).where('id', '=', deployment.id).execute(),
    )
    await judge(deployment, 'ana', 'right')

    expect(await sign(deployment, 'ana')).toMatchObject({ state: 'open' })
  })

  test('one rejection ends it, also after an acceptance, and needs no verdicts', async () => {
    const deployment = await asked()
    await judge(deployment, 'tess', 'right')
    await sign(deployment, 'tess')

    await sign(deployment, 'tom', 'reject')

    expect(await place.row(deployment)).toMatchObject({ state: 'rejected', reason: 'tom did not accept it: seen' })
  })

  test('a later verdict of the same person counts, and the earlier is kept', async () => {
    const deployment = await asked()
    await judge(deployment, 'tess', 'wrong')
    await judge(deployment, 'tess', 'right')
    const { id } = await session(deployment)

    expect(await verdictsOf(place.database.read, id)).toMatchObject([{ person: 'tess', verdict: 'right' }])
    const all = await place.database.read.selectFrom('verdicts').selectAll().where('session_id', '=', id).execute()
    expect(all).toHaveLength(2)
  })

  test('a signature is refused from the moment the champion is another one, before the session is void', async () => {
    const deployment = await asked()
    await judge(deployment, 'tess', 'right')

    await expect(sign(deployment, 'tess', 'accept', 'sha256:other')).rejects.toMatchObject({ code: 'STALE_DIGEST' })
  })

  test('a champion that changes voids the session once, and testers are asked anew with the new answers', async () => {
    const deployment = await asked()
    const before = await session(deployment)
    await judge(deployment, 'tess', 'right')
    place.traffic.champion = 'sha256:champion'
    place.traffic.cases = [{ id: 'c1', spec: {}, candidate: { prediction: '1' }, champion: { prediction: '2' } }]

    await place.look(deployment)
    await place.look(deployment)
    await place.look(deployment)

    const after = await session(deployment)
    expect(after).toMatchObject({ state: 'open', champion: 'sha256:champion' })
    expect(signedDigest(after)).not.toBe(signedDigest(before))
    const states = await place.database.read.selectFrom('acceptance_sessions').select('state').orderBy('id').execute()
    expect(states.map(({ state }) => state)).toEqual(['void', 'open'])
  })

  test('what a tester said is kept unblinded and shown to them as they said it', async () => {
    place.traffic.champion = 'sha256:champion'
    const deployment = await asked()
    for (const person of ['tess', 'tom']) await judge(deployment, person, 'better-a')
    const asking = await session(deployment)

    const verdicts = await verdictsOf(place.database.read, asking.id)

    for (const { person, verdict } of verdicts) {
      expect(['better', 'worse']).toContain(verdict)
      expect(saidBy(asking, 'c1', person, verdict)).toBe('better-a')
    }
  })

  test('a newer version and a rollback end the session of what they take away', async () => {
    const older = await asked(1)
    const newer = await asked(2)
    await place.settle()
    expect(await place.state(older)).toBe('superseded')
    expect(await session(older)).toMatchObject({ state: 'void' })
    expect(await session(newer)).toMatchObject({ state: 'open' })

    await place.database.write((writer) =>
      rollBackEnvironment(writer, kind, { project: PROJECT, environment: 'production' }, 'no', 'lead'),
    )

    expect(await session(newer)).toMatchObject({ state: 'void' })
    await expect(sign(newer, 'tess')).rejects.toMatchObject({ code: 'STATE_CONFLICT' })
  })

  test('cases that cannot be read end the delivery; a model that cannot be asked is asked again', async () => {
    place.traffic.refusal = new AppError('NOT_READY', 'the host is starting')
    const deployment = await place.send(1, { ...ACCEPTED, approval: 'none' })
    Object.assign(place.options, { isLast: async () => false })
    for (let looks = 0; looks < 5; looks++) await place.look(deployment).catch(() => undefined)
    expect(await place.state(deployment)).toBe('awaiting-acceptance')
    place.traffic.refusal = new AppError('INVALID_INPUT', 'cases.jsonl:1:1: not JSON')

    await place.look(deployment)

    expect(await place.row(deployment)).toMatchObject({
      state: 'rejected',
      weight: 0,
      reason: 'testers cannot be asked: cases.jsonl:1:1: not JSON',
    })
  })
})
