import { existsSync, readFileSync } from 'node:fs'
import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rotateSecretsKey, setSecret } from '../../src/api/access.ts'
import { collectGarbage } from '../../src/api/system.ts'
import type { Digest } from '../../src/core/digest.ts'
import { ATTEMPT_TRANSITIONS, RUN_TRANSITIONS, STEP_TRANSITIONS } from '../../src/core/run-state.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { projectAt } from '../harness/server.ts'
import { openCrashPlace, type CrashPlace, type Report } from './crash-place.ts'
import { movesOf } from './moves-of.ts'
import { figuresOf } from './recovery-figures.ts'
import { RUN_STORIES } from './run-stories.ts'
import type { Story } from './story.ts'

/**
 * Of every move, found in the tables: one that is added to them is killed at, or named as not reached. Only an
 * alert makes a run that is refused, which takes a model in production: tests/stages has that, without a kill.
 */
const MOVES = [
  ...movesOf('runs', RUN_TRANSITIONS).filter((move) => move !== 'runs running refuse'),
  ...movesOf('steps', STEP_TRANSITIONS),
  ...movesOf('attempts', ATTEMPT_TRANSITIONS),
]
const around = (moves: readonly string[]) => moves.flatMap((move) => [`before ${move}`, `after ${move}`])

/** Where something is half done in the server, beside the moves. */
const SERVER_POINTS = [
  'refs moved',
  'push recorded',
  'push planned',
  'attempt opened',
  'order written',
  'attempt handed over',
  'attempt ended',
  'attempt forgotten',
  'event handled',
  'content written',
]

const LIMIT_MS = 1_500_000

describe('on sqlite', () => {
  let crash: CrashPlace
  beforeAll(async () => {
    crash = await openCrashPlace('sqlite')
  })
  afterAll(() => crash[Symbol.asyncDispose]())

  test(
    'a server killed with -9 just before and just after each move of a run, a step or an attempt loses and repeats nothing',
    async () => {
      const calm = await crash.play(named('calm', 'works', 'fails'), [])
      const killed = await crash.playUntilReached(RUN_STORIES, [...around(MOVES), ...SERVER_POINTS])
      tell(killed)

      expect(calm.violations).toEqual([])
      expect(killed.violations).toEqual([])
      expect(killed.notReached).toEqual([])
      for (const [story, step] of [
        ['works', 'use'],
        ['fails', 'good'],
        ['fails', 'bad'],
      ] as const)
        expect(logOf(crash, story, step)).toBe(logOf(crash, `calm-${story}`, step))
    },
    LIMIT_MS,
  )

  test(
    'garbage collection that is killed half way has taken nothing that is needed, and goes on',
    async () => {
      const { place, arms } = crash
      const kept = await crash.play(named('kept', 'works'), [])
      const orphans = await storeOrphans(place.dataFolder, 3)
      const collect = () => place.admin.client.call(collectGarbage, { body: { dryRun: false } })

      arms.arm('garbage deleted')
      await expect(collect()).rejects.toMatchObject({ code: 'UPSTREAM' })
      await place.exited()
      await place.start()
      const left = await orphans.left()
      await collect()

      expect(kept.violations).toEqual([])
      expect(left).toBe(2)
      expect(await orphans.left()).toBe(0)
      // The outputs of the runs before are still what a step gets from the cache.
      const { project, person } = crash.teller(
        projectAt({
          address: place.server.address,
          admin: place.admin,
          name: 'kept-works',
          work: join(place.folder, 'kept-works'),
        }),
      )
      await project.commit({ 'readme.md': 'even more\n' })
      await project.push(person)
      const run = await project.ended(3)
      expect(run.state).toBe('succeeded')
      expect(run.steps.find(({ key }) => key === 'make')).toMatchObject({ cache: 'hit' })
    },
    LIMIT_MS,
  )

  test(
    'a server killed in the middle of a rotation of the key of secrets opens them, and the next start ends it',
    async () => {
      const { place, arms } = crash
      const project = await place.project('rotated', {
        'tidegate.yaml': 'steps: { use: { run: "test $KEY = sesame-1", secrets: [KEY] } }\n',
      })
      const { person } = crash.teller(project)
      const setKey = { params: { project: 'rotated', name: 'KEY' }, body: { value: 'sesame-1' } }
      await place.admin.client.call(setSecret, setKey)
      const keyFile = join(place.dataFolder, 'keys/secrets.key')
      const killed: { readonly isNew: boolean; readonly isEnded: boolean; readonly state: string }[] = []

      for (const [at, point] of (['next key written', 'secrets sealed anew'] as const).entries()) {
        const before = readFileSync(keyFile)
        arms.arm(point)
        await expect(place.admin.client.call(rotateSecretsKey, {})).rejects.toMatchObject({ code: 'UPSTREAM' })
        await place.exited()
        await place.start()
        const { address } = place.server
        const again = projectAt({ address, admin: place.admin, name: 'rotated', work: project.work })
        await again.commit({ 'readme.md': `${at}\n` })
        await again.push(person)
        const { state } = await again.run(at + 1)
        const isEnded = !existsSync(join(place.dataFolder, 'keys/next.key'))
        killed.push({ isNew: !readFileSync(keyFile).equals(before), isEnded, state })
      }

      const ended = { isNew: true, isEnded: true, state: 'succeeded' }
      expect(killed).toEqual([ended, ended])
    },
    LIMIT_MS,
  )
})

describe('on postgres', () => {
  test(
    'a server killed with -9 around the moves of a run that succeeds, and of one that is cancelled, goes on',
    async () => {
      await using crash = await openCrashPlace('postgres')
      const report = await crash.playUntilReached(named('', 'works', 'cancelled'), around(POSTGRES_MOVES))
      tell(report)

      expect(report.violations).toEqual([])
      expect(report.notReached).toEqual([])
    },
    LIMIT_MS,
  )
})

/** What the database's transactions have to do with is the same in each move: a few show it. */
const POSTGRES_MOVES = [
  'runs queued start',
  'steps waiting start',
  'attempts starting run',
  'steps running succeed',
  'runs running succeed',
  'runs running cancel',
  'runs cancelling settle',
]

function named(prefix: string, ...names: readonly string[]): Story[] {
  const found = RUN_STORIES.filter(({ name }) => names.includes(name))
  return found.map((story) => ({ ...story, name: prefix === '' ? story.name : `${prefix}-${story.name}` }))
}

function logOf({ place }: CrashPlace, project: string, step: string): string {
  return readFileSync(join(place.dataFolder, 'attempts', project, '1', step, '1', 'log'), 'utf8')
}

/** For people: how long it takes depends on the machine, so no test does. */
function tell({ starts }: Report): void {
  const { kills, p50, p95, max } = figuresOf(starts)
  console.log(`${kills} kills of the server; up again in ${p50} ms (p95 ${p95}, longest ${max})`)
}

/** Contents that nothing refers to, and everything in the store as old as if it had lain there for weeks. */
async function storeOrphans(dataFolder: string, count: number): Promise<{ left(): Promise<number> }> {
  const folder = join(dataFolder, 'store')
  await using store = await openFolderStore(folder)
  const digests: Digest[] = []
  for (let at = 0; at < count; at += 1) digests.push((await store.put(Buffer.from(`nobody needs ${at}`))).digest)
  const longAgo = new Date(Date.now() - 40 * 24 * 3_600_000)
  for (const entry of await readdir(folder, { recursive: true })) await utimes(join(folder, entry), longAgo, longAgo)
  return {
    left: async () =>
      (await Promise.all(digests.map((digest) => store.has(digest)))).filter((size) => size !== undefined).length,
  }
}
