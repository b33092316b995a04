import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getRun } from '../../src/api/runs.ts'
import { DATABASES } from '../harness/databases.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'
import { deliveredProject, tellStory } from './delivery-story.ts'

const TWO = `  staging: {}
  production: { approval: { reviewers: [lead] } }
`

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer
  let ana: TestPerson
  let lead: TestPerson

  beforeAll(async () => {
    place = await openTestServer(kind)
    ana = await place.person('ana')
    lead = await place.person('lead', 'approver')
  })

  afterAll(() => place[Symbol.asyncDispose]())

  test('a registered version serves in staging and waits for a person before production', async () => {
    const story = await tellStory(place, 'staged', deliveredProject(TWO))

    await story.push(ana)
    const staged = await story.reaches(1, 'staging', 'live')
    const asked = await story.reaches(1, 'production', 'awaiting-approval')

    expect(await story.infer('staging', [[0, 5, 1, 2]])).toMatchObject({
      status: 200,
      version: '1',
      body: { outputs: [{ name: 'label', shape: [1], data: [1] }] },
    })
    expect(asked).toMatchObject({ bundle: staged.bundle, reason: '1 of lead must approve', weight: 0 })
    expect(await story.infer('production', [[0, 5, 1, 2]])).toMatchObject({ status: 404 })
    const run = await ana.client.call(getRun, { params: { project: 'staged', number: 1 } })
    expect(run.stages.filter(({ number }) => number >= 5).map(({ name, state }) => [name, state])).toEqual([
      ['staging', 'succeeded'],
      ['acceptance', 'none'],
      ['production', 'needs-person'],
      ['monitoring', 'none'],
    ])
  })

  // The gateway's answer; nothing of it is the database's.
  if (kind === 'sqlite') {
    test('a model that does not start in staging fails there with the reason, and nothing else notices', async () => {
      const story = await tellStory(place, 'broken', deliveredProject(TWO))
      await story.push(ana)
      await story.approve(lead, await story.reaches(1, 'production', 'awaiting-approval'))
      await story.reaches(1, 'production', 'live')
      // What a full disk or a lost mount does to a bundle between registration and staging.
      await story.project.commit({ 'note.txt': 'second\n' })
      await rm(join(place.dataFolder, 'bundles'), { recursive: true })
      await writeFile(join(place.dataFolder, 'bundles'), '')

      await story.project.push(ana)
      const failed = await story.reaches(2, 'staging', 'failed')

      expect(failed.reason).toMatch(/its model host failed: its files cannot be put in place: .+/)
      expect(await story.infer('production', [[9, 0, 0, 0]])).toMatchObject({ status: 200, version: '1' })
      expect(await story.infer('staging', [[9, 0, 0, 0]])).toMatchObject({ status: 200, version: '1' })
      expect((await story.deployments('production')).map(({ version }) => version)).toEqual([1])
      await rm(join(place.dataFolder, 'bundles'))
    })
  }
})
