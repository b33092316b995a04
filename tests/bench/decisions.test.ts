import { describe, expect, test } from 'vitest'
import { DECISION_CASES } from '../../bench/decisions/cases.ts'
import { gateRates, simulationError } from '../../bench/decisions/gate-rates.ts'
import { DISCORDANCE } from '../../bench/decisions/simulate-rows.ts'
import { smallestMargin } from '../../src/statistics/smallest-margin.ts'

const REPETITIONS = 200
const NOMINAL = 0.05

/** Seeded: these shares are the same on every machine. */
describe.each(DECISION_CASES.filter(({ rows }) => rows.includes(500)))('a gate on $name, 500 rows', (of) => {
  const asked = { ...of, rows: 500, repetitions: REPETITIONS }
  const allowed = NOMINAL + simulationError(NOMINAL, asked.repetitions)

  test('lets a candidate that is worse by the margin through no more often than it says', () => {
    const { gate, threshold } = gateRates({ ...asked, advantage: -of.gate.margin, seed: 11 })

    expect(gate.pass).toBeLessThanOrEqual(allowed)
    expect(threshold).toBeGreaterThan(0.35)
  })

  test('refuses an equal candidate no more often than it says, and passes a much better one', () => {
    const equal = gateRates({ ...asked, advantage: 0, seed: 12 })
    const better = gateRates({ ...asked, advantage: 2 * of.gate.margin, seed: 13 })

    expect(equal.gate.fail).toBeLessThanOrEqual(allowed)
    expect(better.gate.pass).toBeGreaterThan(0.95)
  })
})

test('a gate on every value of a slice refuses an equal candidate no more often than it says, of twenty values', () => {
  const of = DECISION_CASES.find(({ gate }) => gate.slice !== undefined)!

  const { gate } = gateRates({ ...of, rows: 1_000, advantage: 0, repetitions: 60, seed: 14 })

  expect(gate.fail).toBeLessThanOrEqual(NOMINAL + simulationError(NOMINAL, 60))
})

test('at the smallest margin that the rows support an equal candidate passes as often as is said', () => {
  const [of] = DECISION_CASES
  const margin = smallestMargin({ rows: 500, confidence: 0.95, discordance: DISCORDANCE })

  const { gate } = gateRates({
    ...of!,
    gate: { ...of!.gate, margin },
    rows: 500,
    advantage: 0,
    repetitions: 1_000,
    seed: 15,
  })

  expect(Math.abs(gate.pass - 0.8)).toBeLessThan(simulationError(0.8, 1_000) + 0.02)
})
