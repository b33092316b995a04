import { expect, test } from 'vitest'
import { killAtRandom } from './chaos.ts'
import { openCrashPlace } from './crash-place.ts'
import { figuresOf } from './recovery-figures.ts'

const KILLS = 20
/** `TIDEGATE_TEST_SEED=7` makes the same choices again; how far processes are by then is the machine's. */
const SEED = Number(process.env['TIDEGATE_TEST_SEED'] ?? Date.now() % 1_000_000)

test(`${KILLS} kills at random, while projects push and predictions are asked for, lose and repeat nothing`, async () => {
  console.log(`TIDEGATE_TEST_SEED=${SEED}`)
  await using crash = await openCrashPlace('sqlite')

  const report = await killAtRandom(crash, { kills: KILLS, seed: SEED })

  const starts = figuresOf(report.startsMs)
  const absences = figuresOf(report.absencesMs)
  console.log(
    `${JSON.stringify(report.kills)}, ${report.runs} runs, ${report.predictions} predictions; the server was up again ` +
      `in ${starts.p50} ms (longest ${starts.max}), the gateway answered in ${absences.p50} ms (longest ${absences.max})`,
  )
  expect(report.violations).toEqual([])
  expect(report.predictions).toBeGreaterThan(0)
}, 1_500_000)
