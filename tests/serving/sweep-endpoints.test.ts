import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PrivateEndpoints } from '../../src/flow/private-endpoints.ts'
import { candidateEndpoint } from '../../src/flow/step-opening.ts'
import { sweepEndpoints } from '../../src/flow/sweep-endpoints.ts'
import { DATABASES, openTestDatabase } from '../harness/databases.ts'
import { hostSpec } from './serving-place.ts'

test.each(DATABASES)(
  'endpoints that a killed server left are closed, but for those of steps that still run, on %s',
  async (kind) => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened
    const dataFolder = await mkdtemp(join(tmpdir(), 'tidegate-sweep-'))
    const endpoints = new PrivateEndpoints(dataFolder)
    const { bundle, manifest } = hostSpec('h', 'one')
    const attempt = {
      run_id: 'shop#1',
      step: 'contract',
      number: 1,
      reason: null,
      message: null,
      executor: 'local',
      handle: null,
      folder: '/nowhere',
      exit_code: null,
      log_bytes: 0,
      log_lost_bytes: 0,
      checkpoint: null,
      created_at: 1,
      started_at: null,
      ended_at: null,
    }
    await database.write(async (writer) => {
      await writer
        .insertInto('attempts')
        .values({ ...attempt, id: 'shop#1/contract/1', state: 'running' })
        .execute()
      await writer
        .insertInto('attempts')
        .values({ ...attempt, id: 'shop#1/other/1', step: 'other', state: 'succeeded' })
        .execute()
    })
    const running = candidateEndpoint('shop#1/contract/1')
    for (const id of [running, candidateEndpoint('shop#1/other/1'), 'cases-of-a-session']) {
      await endpoints.open({ id, project: 'shop', model: 'shop', bundle, manifest, runId: 'shop#1' })
    }

    const swept = await sweepEndpoints({ database, dataFolder })

    expect(swept).toBe(2)
    expect((await endpoints.list()).map(({ id }) => id)).toEqual([running])
    expect(await sweepEndpoints({ database, dataFolder })).toBe(0)
    await rm(dataFolder, { recursive: true })
  },
)
