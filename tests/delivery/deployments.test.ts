import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DeploymentRow } from '../../src/db/tables.ts'
import { readEvents } from '../../src/db/outbox.ts'
import { decideApproval, type Decision } from '../../src/delivery/production/approval.ts'
import { clearRefusal } from '../../src/delivery/production/clear-refusal.ts'
import { resumeDeployment } from '../../src/delivery/production/resume-deployment.ts'
import { rollBackEnvironment } from '../../src/delivery/production/roll-back.ts'
import { DATABASES, openTestDatabase, type TestDatabase } from '../harness/databases.ts'
import { bundleOf, freshPlace, production, PROJECT, type DeliveryPlace } from './delivery-place.ts'

const AUTOMATIC = production('{ approval: none }')
const ASKING = production('{ approval: { reviewers: [lead, boss, ana] } }')

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

  function decide(deployment: DeploymentRow, wanted: Partial<Decision>): Promise<DeploymentRow> {
    const { bundle } = deployment
    const decision = { person: 'lead', decision: 'approve', bundle, comment: '', reviewers: [], ...wanted } as const
    return place.database.write(async (writer) => decideApproval(writer, kind, await place.row(deployment), decision))
  }

  /** Version 1 serves: somebody approved it. */
  async function first(): Promise<DeploymentRow> {
    const deployment = await place.send(1, AUTOMATIC)
    await place.settle()
    await decide(deployment, {})
    await place.settle()
    return deployment
  }

  function rollBack(by = 'lead'): Promise<DeploymentRow> {
    const where = { project: PROJECT, environment: 'production' }
    return place.database.write((writer) => rollBackEnvironment(writer, kind, where, 'asked for', by))
  }

  describe('people', () => {
    test('the first version in the last environment waits for a person, also where nobody is named', async () => {
      const deployment = await place.send(1, AUTOMATIC)

      await place.settle()

      expect(await place.row(deployment)).toMatchObject({
        state: 'awaiting-approval',
        reason: expect.stringContaining('always needs a person'),
      })
    })

    test('the second one goes by itself, and takes the place of the first', async () => {
      const one = await first()
      const two = await place.send(2, AUTOMATIC)

      await place.settle()

      expect(await place.live()).toBe(2)
      expect(await place.row(two)).toMatchObject({ state: 'live', champion: 1, weight: 1 })
      expect(await place.state(one)).toBe('replaced')
    })

    test('as many approvals as required move it, each person counted once', async () => {
      const deployment = await place.send(1, production('{ approval: { reviewers: [lead, boss], required: 2 } }'))
      await place.settle()

      await decide(deployment, { person: 'lead' })
      await decide(deployment, { person: 'lead' })
      expect(await place.state(deployment)).toBe('awaiting-approval')
      await decide(deployment, { person: 'boss' })

      expect(await place.row(deployment)).toMatchObject({ state: 'approved', reason: 'approved by lead, boss' })
    })

    test('nobody approves their own change, unless the rules allow it', async () => {
      const deployment = await place.send(1, ASKING)
      await place.settle()
      await expect(decide(deployment, { person: 'ana' })).rejects.toMatchObject({ code: 'SELF_APPROVAL' })
      await expect(decide(deployment, { person: 'ana', decision: 'reject' })).rejects.toMatchObject({
        code: 'SELF_APPROVAL',
      })

      const allowed = await place.send(2, production('{ approval: { reviewers: [ana], allow-self-approval: true } }'))
      await place.settle()
      await decide(allowed, { person: 'ana' })

      expect(await place.state(allowed)).toBe('approved')
    })

    test('a digest that is not the waiting one is refused, and so is somebody who is no reviewer', async () => {
      const deployment = await place.send(1, ASKING)
      await place.settle()

      await expect(decide(deployment, { bundle: bundleOf(7) })).rejects.toMatchObject({ code: 'STALE_DIGEST' })
      await expect(decide(deployment, { person: 'mia', reviewers: ['lead'] })).rejects.toMatchObject({
        code: 'FORBIDDEN',
        message: expect.stringContaining('mia is not a reviewer of production; reviewers are lead'),
      })
      expect(await place.state(deployment)).toBe('awaiting-approval')
    })

    test('a rejection ends it with its reason, and a later approval finds nothing to approve', async () => {
      const deployment = await place.send(1, ASKING)
      await place.settle()

      await decide(deployment, { decision: 'reject', comment: 'too bold' })

      expect(await place.row(deployment)).toMatchObject({ state: 'rejected', reason: 'lead rejected it: too bold' })
      await expect(decide(deployment, {})).rejects.toMatchObject({ code: 'STATE_CONFLICT' })
    })

    test('what nobody decides on in time expires', async () => {
      const deployment = await place.send(1, production('{ approval: { reviewers: [lead], expires: 1ms } }'))
      await place.look(deployment)
      await new Promise((resolve) => setTimeout(resolve, 5))

      await place.look(deployment)

      expect(await place.row(deployment)).toMatchObject({ state: 'expired', reason: 'nobody decided in time' })
    })
  })

  describe('order', () => {
    test('a newer version takes the place of all that still wait for people', async () => {
      const older = await place.send(1, ASKING)
      await place.settle()
      const newer = await place.send(2, ASKING)
      await place.settle()

      expect(await place.row(older)).toMatchObject({ state: 'superseded', reason: 'version 2 came after it' })
      expect(await place.state(newer)).toBe('awaiting-approval')
    })

    test('one that rolls out is not disturbed by a newer one, which says what it waits for', async () => {
      await first()
      const rolling = await place.send(2, production('{ approval: none, rollout: [{ weight: 10%, for: 1h }] }'))
      await place.settle()
      const next = await place.send(3, AUTOMATIC)

      await place.settle()

      expect(await place.state(rolling)).toBe('rolling-out')
      expect(await place.row(next)).toMatchObject({
        state: 'queued',
        reason: 'version 2 comes first: it is rolling-out',
      })
    })

    test('a closed window keeps an approved version waiting, and says so once', async () => {
      await first()
      const closed = { ...AUTOMATIC, window: { days: [], fromMinute: 0, toMinute: 1_440, timezone: 'UTC' } }
      const deployment = await place.send(2, closed)

      await place.settle()
      const before = (await readEvents(place.database.read, 0, 500)).length
      await place.settle()

      expect(await place.row(deployment)).toMatchObject({
        state: 'approved',
        reason: 'the window is closed; it starts when it opens',
      })
      expect(await readEvents(place.database.read, 0, 500)).toHaveLength(before)
    })
  })

  describe('rollout', () => {
    const CANARY = production(
      '{ approval: none, rollout: [{ weight: 10%, min-requests: 5, at-most: 1ms }], guard-rails: [{ metric: error-rate, max: 5% }] }',
    )

    test('a phase past at-most is held with the count it lacks, and a person lets it go on', async () => {
      await first()
      const deployment = await place.send(2, CANARY)
      await place.settle()
      await new Promise((resolve) => setTimeout(resolve, 5))
      await place.settle()
      expect(await place.row(deployment)).toMatchObject({
        state: 'held',
        weight: 0.1,
        reason: '0 of 5 requests within at-most: a person decides',
      })

      const held = await place.row(deployment)
      await place.database.write((writer) => resumeDeployment(writer, kind, held, 'lead', 'quiet day'))

      expect(await place.row(deployment)).toMatchObject({
        state: 'rolling-out',
        reason: 'lead let it go on: quiet day',
      })
    })

    test('a broken rail takes all traffic away and refuses the bundle until a maintainer clears it', async () => {
      await first()
      const deployment = await place.send(2, CANARY)
      await place.settle()
      const { epoch } = await place.row(deployment)
      const arm = { project: PROJECT, environment: 'production', epoch, inFlight: 0, latency: [] }
      place.traffic.counters = [
        { ...arm, arm: 'champion', version: '1', requests: 900, errors: 0 },
        { ...arm, arm: 'challenger', version: '2', requests: 100, errors: 60 },
      ]

      await place.settle()

      expect(await place.row(deployment)).toMatchObject({
        state: 'rolled-back',
        weight: 0,
        reason: expect.stringContaining('guard rail error-rate: 60 of 100 requests failed'),
      })
      expect(await place.live()).toBe(1)
      await expect(place.send(3, AUTOMATIC, { bundle: bundleOf(2) })).rejects.toMatchObject({ code: 'DIGEST_REFUSED' })
      const where = { project: PROJECT, environment: 'production', bundle: bundleOf(2) }
      const clearance = { ...where, by: 'boss', reason: 'blank rows are filtered now' }
      await place.database.write((writer) => clearRefusal(writer, kind, clearance))
      expect((await readEvents(place.database.read, 0, 500)).at(-1)).toMatchObject({
        kind: 'bundle.cleared',
        data: { by: 'boss', reason: 'blank rows are filtered now' },
      })
      await expect(place.send(3, AUTOMATIC, { bundle: bundleOf(2) })).resolves.toMatchObject({ state: 'queued' })
    })

    test('a host that fails to start ends the deployment and leaves the champion alone', async () => {
      await first()
      place.traffic.hosts.set('production/2', { state: 'failed', reason: 'Protobuf parsing failed', restarts: 3 })
      const deployment = await place.send(2, AUTOMATIC)

      await place.settle()

      expect(await place.row(deployment)).toMatchObject({
        state: 'failed',
        reason: 'its model host failed: Protobuf parsing failed',
      })
      expect(await place.live()).toBe(1)
    })

    test('a bundle that was rolled back while another deployment of it waited is not tried again', async () => {
      await first()
      const rolling = await place.send(2, CANARY)
      await place.settle()
      const again = await place.send(2, AUTOMATIC)
      await place.settle()
      expect(await place.state(again)).toBe('queued')

      await rollBack()
      await place.settle()

      expect(await place.state(rolling)).toBe('rolled-back')
      expect(await place.row(again)).toMatchObject({
        state: 'failed',
        reason: 'this bundle was rolled back while it waited: asked for',
      })
      expect(await place.live()).toBe(1)
    })

    test('after a crash between row and traffic the next look takes the step to its end, once', async () => {
      await first()
      const deployment = await place.send(2, CANARY)
      await place.settle()
      const rolling = await place.row(deployment)
      const moved = await rollBack()
      expect(moved).toMatchObject({ state: 'rolling-back', weight: 0 })
      const applied = place.traffic.applied

      await place.look(deployment)
      await place.look(deployment)

      expect(place.traffic.applied).toBeGreaterThan(applied)
      expect(await place.state(deployment)).toBe('rolled-back')
      const events = await readEvents(place.database.read, 0, 500)
      const ends = events.filter(
        ({ kind: name, data }) =>
          name === 'deployment.moved' && data['deployment'] === rolling.id && data['state'] === 'rolled-back',
      )
      expect(ends).toHaveLength(1)
    })

    test('it is rolled back only once its last answer is out', async () => {
      await first()
      const deployment = await place.send(2, CANARY)
      await place.settle()
      await rollBack()
      const arm = { project: PROJECT, environment: 'production', epoch: 'e', requests: 1, errors: 0, latency: [] }
      place.traffic.counters = [{ ...arm, arm: 'challenger', version: '2', inFlight: 1 }]

      await place.look(deployment)
      expect(await place.state(deployment)).toBe('rolling-back')
      place.traffic.counters = []
      await place.look(deployment)

      expect(await place.state(deployment)).toBe('rolled-back')
    })
  })

  describe('going back from live', () => {
    test('the version before is live again in the same transaction', async () => {
      await first()
      await place.send(2, AUTOMATIC)
      await place.settle()

      const moved = await rollBack()

      expect(moved).toMatchObject({ version: 2, state: 'rolling-back' })
      expect(await place.live()).toBe(1)
    })

    test('going back twice reaches the version before that, never the one that was rolled back', async () => {
      await first()
      for (const version of [2, 3]) {
        await place.send(version, AUTOMATIC)
        await place.settle()
      }

      await rollBack()
      await place.settle()
      expect(await place.live()).toBe(2)
      await rollBack()
      await place.settle()

      expect(await place.live()).toBe(1)
      await expect(rollBack()).rejects.toMatchObject({ code: 'STATE_CONFLICT' })
      expect(await place.live()).toBe(1)
    })

    test('a second command while the first is carried out does not take the champion too', async () => {
      await first()
      await place.send(2, AUTOMATIC)
      await place.settle()
      await place.send(3, production('{ approval: none, rollout: [{ weight: 10%, for: 1h }] }'))
      await place.settle()

      await rollBack()

      await expect(rollBack()).rejects.toMatchObject({
        code: 'STATE_CONFLICT',
        message: 'Version 3 is being rolled back in production already.',
      })
      expect(await place.live()).toBe(2)
    })

    test('the first version stays, whatever its rails say: an empty environment would be worse', async () => {
      const rules = production('{ approval: none, guard-rails: [{ metric: error-rate, max: 5% }] }')
      const deployment = await place.send(1, rules)
      await place.settle()
      await decide(deployment, {})
      await place.settle()
      const { epoch } = await place.row(deployment)
      const arm = { project: PROJECT, environment: 'production', epoch, inFlight: 0, latency: [] }
      place.traffic.counters = [{ ...arm, arm: 'champion', version: '1', requests: 100, errors: 90 }]

      await place.settle()

      expect(await place.row(deployment)).toMatchObject({
        state: 'live',
        reason: expect.stringContaining('there is no version to go back to'),
      })
    })
  })
})
