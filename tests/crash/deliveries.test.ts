import { expect, test } from 'vitest'
import { ACCEPTANCE_TRANSITIONS, DEPLOYMENT_TRANSITIONS } from '../../src/core/deployment-state.ts'
import { openCrashPlace } from './crash-place.ts'
import { DELIVERY_STORIES } from './delivery-stories.ts'
import { movesOf } from './moves-of.ts'
import { figuresOf } from './recovery-figures.ts'

/** Of every move, found in the tables: one that is added to them is killed at, or named as not reached. */
const MOVES = [
  ...movesOf('deployments', DEPLOYMENT_TRANSITIONS),
  ...movesOf('acceptance_sessions', ACCEPTANCE_TRANSITIONS),
]

/** What these change is more than the one row; one that is not committed changes nothing, like every other move. */
const MANY_ROWS = [
  'deployments rolling-out finish',
  'deployments awaiting-acceptance accept',
  'deployments queued supersede',
  'deployments live roll-back',
]

test('a server killed with -9 after each move of a deployment, and before those of many rows, delivers each version once', async () => {
  await using crash = await openCrashPlace('sqlite')
  const points = [...MOVES.map((move) => `after ${move}`), ...MANY_ROWS.map((move) => `before ${move}`)]

  const report = await crash.playUntilReached(DELIVERY_STORIES, [...points, 'version given', 'routes wanted'])

  const { kills, p50, p95, max } = figuresOf(report.starts)
  console.log(`${kills} kills of the server; up again in ${p50} ms (p95 ${p95}, longest ${max})`)
  expect(report.violations).toEqual([])
  expect(report.notReached).toEqual([])
}, 1_500_000)
