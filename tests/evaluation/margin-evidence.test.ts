import { describe, expect, test } from 'vitest'
import type { GateDecision } from '../../src/evaluation/gate.ts'
import { recordGates } from '../../src/evaluation/gates.sql.ts'
import { lastMargins, supportedBy } from '../../src/evaluation/margin-evidence.ts'
import { smallestMargin } from '../../src/statistics/smallest-margin.ts'
import { DATABASES, openTestDatabase } from '../harness/databases.ts'

const AGAINST = {
  kind: 'champion',
  name: 'accuracy-vs-champion',
  metric: 'accuracy',
  margin: 0.01,
  confidence: 0.95,
  minRows: 1,
} as const
const FLOOR = { kind: 'absolute', name: 'accuracy', metric: 'accuracy', min: 0.9, minRows: 1 } as const

function decision(spec: GateDecision['spec'], evidence: Record<string, unknown>): GateDecision {
  return { title: spec.name, spec, outcome: 'pass', summary: 's', evidence }
}

describe('what rows support', () => {
  test('a comparison says it itself, for the same metric and confidence', () => {
    const evidence = supportedBy([decision(AGAINST, { rows: 450, smallestMargin: 0.021 })])

    expect(evidence(AGAINST)).toEqual({ rows: 450, margin: 0.021 })
    expect(evidence({ ...AGAINST, confidence: 0.9 })).toBeUndefined()
    expect(evidence({ ...AGAINST, metric: 'auc' })).toBeUndefined()
  })

  test('before there is a champion plain rows tell it of accuracy', () => {
    const evidence = supportedBy([decision(AGAINST, {}), decision(FLOOR, { rows: 450 })])

    expect(evidence(AGAINST)).toEqual({ rows: 450, margin: smallestMargin({ rows: 450, confidence: 0.95 }) })
    expect(evidence({ ...AGAINST, metric: 'f1' })).toBeUndefined()
    expect(evidence({ ...AGAINST, slice: 'ink' })).toBeUndefined()
    expect(supportedBy([decision(FLOOR, { rows: 450, units: 9 })])(AGAINST)).toBeUndefined()
  })
})

test.each(DATABASES)('the last gates of a project are asked, not those of another, on %s', async (kind) => {
  await using opened = await openTestDatabase(kind)
  const { database } = opened
  await database.write(async (writer) => {
    await recordGates(writer, kind, { runId: 'digits#1', project: 'digits' }, [decision(FLOOR, { rows: 300 })])
    await recordGates(writer, kind, { runId: 'other#1', project: 'other' }, [decision(FLOOR, { rows: 9_000 })])
  })

  expect((await lastMargins(database.read, 'digits'))?.(AGAINST)?.rows).toBe(300)
  expect(await lastMargins(database.read, 'nobody')).toBeUndefined()
})
