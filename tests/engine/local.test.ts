import { afterAll, beforeAll, expect, test } from 'vitest'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SupervisorClaim } from '../../src/core/attempt-files.ts'
import { readProcess } from '../../src/lib/processes.ts'
import { openLocalExecutor } from '../../src/drivers/executor/local/local-executor.ts'
import { logFileOf, readLog } from '../../src/engine/logs.ts'
import { listAttempts } from '../../src/engine/runs.sql.ts'
import { parseOutputs } from '../../src/engine/step-outputs.ts'
import { command, openEnginePlace, planOf, reads, type EnginePlace } from './engine-place.ts'

/** The engine on what it runs on: real supervisors, real processes. */
let place: EnginePlace
beforeAll(async () => {
  place = await openEnginePlace('sqlite', {
    open: ({ folder }) => openLocalExecutor({ folder: join(folder, 'executor'), spares: 0 }),
  })
})
afterAll(() => place[Symbol.asyncDispose]())

test('files go from the commit through a step into the next one, and logs are read by offset', async () => {
  const engine = await place.start()
  const { id } = await place.create(engine, {
    sourceTree: await place.commit({ 'src/words.txt': 'a b c', 'secret.txt': 'not a dep' }),
    plan: planOf(
      command('count', 'wc -w < src/words.txt | tr -d " " > count.txt; ls', { deps: ['src/'], outs: ['count.txt'] }),
      command('show', 'cat count.txt; echo "$TIDEGATE_STEP"', { deps: ['count.txt'], needs: reads('count') }),
    ),
  })

  const { run, steps } = await place.untilEnded(id)
  const attempts = await listAttempts(place.database.read, id, { limit: 5 })
  const log = async (at: number) =>
    Buffer.from((await readLog(logFileOf(attempts[at]!.folder), 0, 1_000)).bytes).toString()

  expect(run).toMatchObject({ state: 'succeeded', reason: null })
  expect(String(await place.artifacts.read(parseOutputs(steps['count']!.outputs!).outs['count.txt']!.digest))).toBe(
    '3\n',
  )
  expect(await log(0)).toBe('count.txt\nsrc\n')
  expect(await log(1)).toBe('3\nshow\n')
  await engine.stop()
})

test('a command goes on while no engine is there, and its end is recorded by the next one', async () => {
  const before = await place.start()
  const { id } = await place.create(before, {
    plan: planOf(command('train', 'echo $$ > pid.txt; sleep 0.5; echo end; cat pid.txt', { outs: ['pid.txt'] })),
  })
  await place.until(async () =>
    (await listAttempts(place.database.read, id, { limit: 1 })).some((attempt) => attempt.state === 'running'),
  )
  await before.stop()

  const after = await place.start()
  const { run, steps } = await place.untilEnded(id)
  const attempts = await listAttempts(place.database.read, id, { limit: 5 })
  const log = Buffer.from((await readLog(logFileOf(attempts[0]!.folder), 0, 1_000)).bytes).toString()

  expect(run.state).toBe('succeeded')
  expect(steps['train']?.attempt).toBe(1)
  const pid = String(await place.artifacts.read(parseOutputs(steps['train']!.outputs!).outs['pid.txt']!.digest))
  expect(log).toBe(`end\n${pid}`)
  await after.stop()
})

test('cancel means dead, and the run says so when it is', async () => {
  const engine = await place.start()
  const { id } = await place.create(engine, { plan: planOf(command('train', 'echo up; sleep 600')) })
  const attempt = await place.until(async () => {
    const [row] = await listAttempts(place.database.read, id, { limit: 1 })
    return row !== undefined && (await readLog(logFileOf(row.folder), 0, 10)).bytes.length > 0 && row
  })

  await engine.cancel(id, 'bo', 'now')
  const { run, steps } = await place.untilEnded(id)

  expect(run.state).toBe('cancelled')
  expect(steps['train']).toMatchObject({ state: 'cancelled', message: 'cancelled by bo' })
  expect(Buffer.from((await readLog(logFileOf(attempt.folder), 0, 10)).bytes).toString()).toContain('up')
  await engine.stop()
})

test('a supervisor that hangs is killed with its command when the timeout is long over, and the run ends', async () => {
  const engine = await place.start({ backstopMs: 500 })
  const step = command('train', 'echo $$ > pid.txt; sleep 600')
  const hangs = { ...step, timeoutMs: 100, retry: { on: [], limit: 0 } }
  const { id } = await place.create(engine, { plan: planOf(hangs) })
  const attempt = await place.until(async () => (await listAttempts(place.database.read, id, { limit: 1 }))[0])
  const claim = await place.until(async () => {
    const file = join(attempt.folder, 'claim.json')
    return existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as SupervisorClaim)
  })
  process.kill(claim.supervisor.pid, 'SIGSTOP')

  const { run, steps } = await place.untilEnded(id)

  expect(run.state).toBe('failed')
  expect(steps['train']).toMatchObject({ state: 'failed', reason: 'executor-lost' })
  expect(steps['train']?.message).toContain('its timeout is long over')
  await place.until(async () => readProcess(claim.supervisor.pid) === undefined)
  await engine.stop()
})
