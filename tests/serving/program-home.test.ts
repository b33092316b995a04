import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { modelUser } from '../../src/core/model-user.ts'
import { makeProgramHome, removeProgramHomes } from '../../src/serving/model-host/program-home.ts'

test("what the programs of a killed gateway left goes with the next start of that gateway, and nobody else's", async () => {
  const own = makeProgramHome('/data/one/gateway', '/data/one/bundles/a')
  const other = makeProgramHome('/data/two/gateway', '/data/two/bundles/a')
  mkdirSync(join(own, 'cache'), { mode: 0o500 })
  const troubles: unknown[] = []

  await removeProgramHomes('/data/one/gateway', (error) => troubles.push(error))

  expect([existsSync(own), existsSync(other)]).toEqual([false, true])
  expect(statSync(other).mode & 0o777).toBe(0o700)
  expect(statSync(other).uid).toBe(modelUser('/data/two/bundles/a')?.uid ?? process.getuid?.())
  await removeProgramHomes('/data/two/gateway', (error) => troubles.push(error))
  expect(troubles).toEqual([])
})
