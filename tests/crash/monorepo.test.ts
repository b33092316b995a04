import { describe, expect, test } from 'vitest'
import { DATABASES } from '../harness/databases.ts'
import { openMonorepo } from '../harness/monorepo.ts'
import { openCrashPlace } from './crash-place.ts'

/** Where a push is there and its runs are not, or not known to be. */
const POINTS = ['refs moved', 'push recorded', 'push planned'] as const

const LIMIT_MS = 300_000

describe.each(DATABASES)('on %s', (kind) => {
  test(
    'a push to a repository of two projects is one run of each, wherever the server is killed with -9 in between',
    async () => {
      await using crash = await openCrashPlace(kind)
      const { place, arms } = crash
      const ana = await place.person('ana')
      const { fraud, churn } = await openMonorepo(place, 'shop')

      const pushed: string[] = []
      for (const point of POINTS) {
        pushed.unshift(await fraud.commit({ 'models/fraud/data.txt': point, 'models/churn/data.txt': point }))
        arms.arm(point)
        await fraud.push(ana)
        await place.exited()
        await place.start()
        for (const project of [fraud, churn]) {
          await expect.poll(async () => (await project.runs()).length, { timeout: 60_000 }).toBe(pushed.length)
        }
      }
      pushed.unshift(await fraud.commit({ 'models/churn/data.txt': 'without a kill' }))
      await fraud.push(ana)

      expect(await crash.violations()).toEqual([])
      const runs = [await fraud.runs(), await churn.runs()]
      expect(runs.map((some) => some.map(({ commit }) => commit))).toEqual([pushed.slice(1), pushed])
      expect(new Set(runs.flat().map(({ state }) => state))).toEqual(new Set(['succeeded']))
    },
    LIMIT_MS,
  )
})
