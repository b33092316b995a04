import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { smallestMargin } from '../../src/statistics/smallest-margin.ts'
import { describeMachine } from '../machine.ts'
import { DECISION_CASES, type DecisionCase } from './cases.ts'
import { decisionsPage, type Decided, type Supported } from './decisions-page.ts'
import { gateRates, type Rates } from './gate-rates.ts'
import { DISCORDANCE } from './simulate-rows.ts'

const PAGE = fileURLToPath(new URL('../../docs/reference/decisions.md', import.meta.url))
const REPETITIONS = 2_000

/** `npm run bench:decisions`: simulates gates whose truth is known, and writes the page. */
async function main(): Promise<void> {
  const machine = describeMachine()
  const decided: Decided[] = []
  for (const of of DECISION_CASES) {
    for (const rows of of.rows) {
      decided.push(decide(of, rows))
      console.log(`${of.name}, ${rows} rows: ${JSON.stringify(decided.at(-1)?.worseByMargin)}`)
    }
  }
  const supported = [500, 5_000].map(support)
  const { user, system } = process.cpuUsage()
  const tookSeconds = Math.round((user + system) / 1e6)
  await writeFile(PAGE, decisionsPage({ machine, decided, supported, tookSeconds }))
  console.log(`${PAGE} is written.`)
}

function decide(of: DecisionCase, rows: number): Decided {
  const rates = (margins: number, seed: number): Rates =>
    gateRates({ ...of, rows, advantage: margins * of.gate.margin, repetitions: REPETITIONS, seed })
  return {
    of,
    rows,
    repetitions: REPETITIONS,
    equal: rates(0, 1),
    worseByMargin: rates(-1, 2),
    betterByTwo: rates(2, 3),
    worseByTwo: rates(-2, 4),
  }
}

function support(rows: number): Supported {
  const [{ gate, simulate }] = DECISION_CASES as readonly [DecisionCase]
  const margin = smallestMargin({ rows, confidence: gate.confidence, discordance: DISCORDANCE })
  const asked = { gate: { ...gate, margin }, simulate, rows, advantage: 0, repetitions: REPETITIONS, seed: 6 }
  return { rows, margin, repetitions: REPETITIONS, passed: gateRates(asked).gate.pass }
}

await main()
