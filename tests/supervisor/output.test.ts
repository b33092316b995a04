import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AttemptOrder, CompletionRecord } from '../../src/core/ports/executor.ts'
import { untilEnded } from '../contract/executor.ts'
import { openAttemptPlace, readLog, type AttemptPlace } from './attempt-place.ts'
import { IS_ROOT } from '../harness/is-root.ts'

let place: AttemptPlace

beforeAll(async () => {
  place = await openAttemptPlace()
})

afterAll(() => place[Symbol.asyncDispose]())

const STARTER = new URL('./starter.ts', import.meta.url).pathname

/** The supervisor finds its programs in `path`, and is started by `through`. */
async function runWith(order: AttemptOrder, path: string, through: readonly string[] = []): Promise<CompletionRecord> {
  const orders = join(place.folder, 'orders.json')
  writeFileSync(orders, JSON.stringify([order]))
  const [program, ...args] = [...through, process.execPath, STARTER, join(place.folder, 'executor'), orders]
  const child = spawn(program, args, { env: { PATH: path }, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const record = await untilEnded(place.executor, order.attemptFolder)
  child.kill('SIGKILL')
  return record
}

test('an attempt that no pipe can be made for ends with that reason, and leaves no folder', async () => {
  const programs = join(place.folder, 'programs')
  const names = join(place.folder, 'names')
  mkdirSync(programs)
  const mkfifo = `#!/bin/sh\necho "$3" >> ${names}\necho "mkfifo: '$3': No space left on device" >&2\nexit 1\n`
  writeFileSync(join(programs, 'mkfifo'), mkfifo, { mode: 0o755 })
  const [full, none] = [place.order('echo never'), place.order('echo never')]

  const records = [await runWith(full, programs), await runWith(none, '/nowhere')]

  expect(records).toMatchObject([
    { outcome: 'failed', reason: 'disk-full', message: expect.stringContaining('No space left on device') as string },
    { outcome: 'failed', reason: 'setup-error', message: expect.stringContaining('mkfifo ENOENT') as string },
  ])
  expect(readLog(none)).toMatch(/^\[tidegate\] What it prints could not be written down: .*mkfifo ENOENT\n$/)
  const folders = readFileSync(names, 'utf8').trim().split('\n').map(dirname)
  expect(folders.filter((folder) => existsSync(folder))).toEqual([])
})

// Only root may mount; `.ci/run` is.
test.runIf(IS_ROOT)('shared memory that is full is no reason to fail', async () => {
  const order = place.order('echo ran')
  const full = 'mount -t tmpfs -o nr_inodes=1 none /dev/shm; exec "$@"'

  const record = await runWith(order, process.env['PATH'] ?? '', ['unshare', '--mount', 'sh', '-e', '-c', full, 'sh'])

  expect(record).toMatchObject({ outcome: 'succeeded' })
  expect(readLog(order)).toBe('ran\n')
})

test('an attempt whose log cannot be opened ends with a record that says so', async () => {
  const order = place.order('echo never')
  mkdirSync(join(order.attemptFolder, 'log'), { recursive: true })

  const record = await untilEnded(place.executor, await place.executor.submit(order, {}))

  expect(record).toMatchObject({ outcome: 'failed', reason: 'setup-error', logBytes: 0, logLostBytes: 0 })
  expect(record.message).toContain('EISDIR')
})
