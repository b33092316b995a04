import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { AttemptRow } from '../../src/db/tables.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { listAttempts, listRuns } from '../../src/engine/runs.sql.ts'
import { createTestDatabase, DATABASES } from '../harness/databases.ts'

/** As soon as one of these is seen the server is killed; the next one waits for the next. */
const MOMENTS: readonly ((attempts: readonly AttemptRow[]) => boolean)[] = [
  (attempts) => attempts.length > 0,
  (attempts) => attempts.some((attempt) => attempt.state === 'running'),
  (attempts) => attempts.some((attempt) => attempt.state === 'succeeded'),
  (attempts) => attempts.some((attempt) => attempt.step === 'c'),
  (attempts) => attempts.some((attempt) => attempt.step === 'c' && attempt.state === 'running'),
  (attempts) => attempts.some((attempt) => attempt.step === 'c' && attempt.state === 'succeeded'),
  (attempts) => attempts.some((attempt) => attempt.step === 'd'),
]

test.each(DATABASES)('a server killed at every turn on %s runs every step exactly once', async (kind) => {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-kill-'))
  await using place = await createTestDatabase(kind)
  await using database = await openDatabase(place.url)
  const program = fileURLToPath(new URL('./kill-program.ts', import.meta.url))
  const start = () => spawn(process.execPath, [program, place.url, folder], { stdio: ['ignore', 'inherit', 'inherit'] })
  const attempts = () => listAttempts(database.read, 'digits#1', { limit: 10 })

  for (const isTheMoment of MOMENTS) {
    const server = start()
    const exited = once(server, 'exit')
    while (server.exitCode === null && !isTheMoment(await attempts())) await sleep(2)
    server.kill('SIGKILL')
    await exited
  }
  const [code] = (await once(start(), 'exit')) as [number | null]

  const ran = (await readFile(join(folder, 'ran'), 'utf8')).split('\n').filter((line) => line !== '')
  expect(code).toBe(0)
  expect(await listRuns(database.read, { limit: 10 })).toHaveLength(1)
  expect(ran.sort()).toEqual(['a', 'b', 'c', 'd'])
  expect((await attempts()).map((attempt) => attempt.state)).toEqual(Array(4).fill('succeeded'))
  await rm(folder, { recursive: true, force: true })
})
