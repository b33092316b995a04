import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readEvents } from '../../src/db/outbox.ts'
import {
  listActions,
  alertsOfVersion,
  firingAlert,
  listAlerts,
  retrainingActions,
} from '../../src/monitoring/alerts.sql.ts'
import { labelsSince } from '../../src/monitoring/labels.sql.ts'
import type { MonitorFinding } from '../../src/monitoring/monitor-finding.ts'
import { recordAction } from '../../src/monitoring/record-action.ts'
import { recordFinding, resolveReplaced } from '../../src/monitoring/record-finding.ts'
import { recordLabels } from '../../src/monitoring/record-labels.ts'
import { lastWindowEnd, listWindows } from '../../src/monitoring/windows.sql.ts'
import { DATABASES, openTestDatabase, type TestDatabase } from '../harness/databases.ts'

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestDatabase
  beforeAll(async () => {
    place = await openTestDatabase(kind)
  })
  afterAll(() => place[Symbol.asyncDispose]())

  const at = (project: string, version = 1) => ({ project, environment: 'production', monitor: 'drift', version })

  async function see(project: string, state: MonitorFinding['state'], to: number, version = 1) {
    const finding = { state, summary: `it was ${state}`, evidence: { psi: 0.4 } }
    const seen = { place: at(project, version), kind: 'drift', forWindows: 2, finding, from: to - 10, to, rows: 500 }
    return recordFinding(place.database, seen, to)
  }

  test('two windows of trouble fire one alert, two good ones resolve it', async () => {
    const { database } = place
    const changes = []
    for (const [i, state] of (['trouble', 'too-few-rows', 'trouble', 'trouble', 'ok', 'ok', 'ok'] as const).entries()) {
      changes.push((await see('shop', state, 100 + i)).kind)
    }

    const alerts = await listAlerts(database.read, 'shop', 10)
    const told = await readEvents(database.read, 0, 100, { project: 'shop' })

    expect(changes).toEqual(['none', 'none', 'fired', 'none', 'none', 'resolved', 'none'])
    expect(alerts).toMatchObject([
      { state: 'resolved', fired_at: 102, resolved_at: 105, summary: 'it was trouble', evidence: '{"psi":0.4}' },
    ])
    expect(told.map((event) => event.kind)).toEqual(['alert.fired', 'alert.resolved'])
    expect(told[0]).toMatchObject({
      subject: 'shop/production',
      data: { alert: alerts[0]!.id, monitor: 'drift', version: 1 },
    })
  })

  test('what monitors saw is listed, the newest first, and the next window begins where the last ended', async () => {
    const windows = await listWindows(place.database.read, { project: 'shop', limit: 2 })
    const more = await listWindows(place.database.read, { project: 'shop', limit: 50, before: windows[1]!.id })

    expect(windows.map((window) => window.to_at)).toEqual([106, 105])
    expect(more.map((window) => window.to_at)).toEqual([104, 103, 102, 101, 100])
    expect(await lastWindowEnd(place.database.read, at('shop'))).toBe(106)
    expect(await lastWindowEnd(place.database.read, at('shop', 2))).toBeUndefined()
  })

  test('windows of one version say nothing about another', async () => {
    await see('cars', 'trouble', 1, 1)

    expect((await see('cars', 'trouble', 2, 2)).kind).toBe('none')
    expect((await see('cars', 'trouble', 3, 2)).kind).toBe('fired')
  })

  test('an alert about a version that no longer serves is resolved', async () => {
    expect(await resolveReplaced(place.database, 'cars', 'production', 2, 9)).toEqual([])
    expect(await resolveReplaced(place.database, 'cars', 'production', 3, 9)).toHaveLength(1)
    expect(await firingAlert(place.database.read, at('cars', 2))).toBeUndefined()
    expect(await alertsOfVersion(place.database.read, 'cars', 2)).toMatchObject([{ state: 'resolved', resolved_at: 9 }])
    expect(await alertsOfVersion(place.database.read, 'cars', 1)).toEqual([])
  })

  test('what was done about an alert is kept, refusals too', async () => {
    const { database } = place
    const [alert] = await listAlerts(database.read, 'shop', 1)

    await recordAction(database, alert!, { kind: 'retrain', outcome: 'refused', detail: 'cooldown', run_id: null }, 200)
    await recordAction(database, alert!, { kind: 'retrain', outcome: 'done', detail: 'started', run_id: 'shop#3' }, 201)

    expect((await listActions(database.read, [alert!.id])).map((action) => action.outcome)).toEqual(['refused', 'done'])
    expect(await retrainingActions(database.read, 'shop')).toEqual([{ at: 201, run_id: 'shop#3' }])
    expect(await retrainingActions(database.read, 'cars')).toEqual([])
    expect(await listActions(database.read, [])).toEqual([])
  })

  test('labels are told once; the same again is a duplicate, another a correction', async () => {
    const told = { project: 'shop', environment: 'production', person: 'ana' }
    const label = (row: number, value: string) => ({ predictionId: 'a', row, label: value })

    const first = await recordLabels(
      place.database,
      { ...told, labels: [label(0, '7'), label(1, '3'), label(1, '3')] },
      10,
    )
    const second = await recordLabels(place.database, { ...told, labels: [label(0, '1'), label(1, '3')] }, 20)
    const kept = await collect(labelsSince(place.database.read, { ...told, since: 0 }, 2))
    const late = await collect(labelsSince(place.database.read, { ...told, since: 20 }))

    expect(first).toEqual({ accepted: 2, duplicate: 1, corrected: 0 })
    expect(second).toEqual({ accepted: 0, duplicate: 1, corrected: 1 })
    expect(kept.map((row) => `${row.row}:${row.label}`)).toEqual(['0:7', '1:3', '0:1'])
    expect(late).toHaveLength(1)
  })

  test('ten thousand labels are told in one call', async () => {
    const labels = Array.from({ length: 10_000 }, (_, i) => ({ predictionId: `p${i}`, row: 0, label: 'x' }))

    expect(
      await recordLabels(place.database, { project: 'bulk', environment: 'production', person: 'ana', labels }, 1),
    ).toMatchObject({ accepted: 10_000 })
  })
})
