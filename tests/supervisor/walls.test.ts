import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SupervisorClaim } from '../../src/core/attempt-files.ts'
import { chooseSandbox } from '../../src/flow/choose-sandbox.ts'
import { describeControlGroups } from '../../src/lib/control-group.ts'
import { isDead, openAttemptPlace, until, untilFile, untilGone, readLog, type AttemptPlace } from './attempt-place.ts'
import { untilEnded } from '../contract/executor.ts'
import { IS_ROOT } from '../harness/is-root.ts'

let place: AttemptPlace

beforeAll(async () => {
  place = await openAttemptPlace()
})

afterAll(() => place[Symbol.asyncDispose]())

const USER = IS_ROOT ? { runAs: { uid: 231_007, gid: 231_007 } } : {}

function groupsOf({ pid, startTicks }: SupervisorClaim['supervisor']): string[] {
  return readdirSync('/sys/fs/cgroup', { recursive: true, withFileTypes: true })
    .map(({ name }) => name)
    .filter((name) => name.startsWith(`tidegate-${pid}-${startTicks}-`))
}

/** What the kernel of this machine does for us; without it the rest must hold all the same. */
const kernelLimits = describeControlGroups()?.controllers ?? []

test('memory is limited at the byte, or seen within a second, and the record has the numbers', async () => {
  const hog = `python3 -c "
import time
held = []
while True:
    held.append(bytearray(20_000_000)); time.sleep(0.05)
"`
  const { record } = await place.run(hog, { memoryBytes: 150 * 2 ** 20, graceMs: 100, ...USER })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'out-of-memory' })
  expect(record.message).toMatch(/^It used more memory than it may: \d+ of 150 MiB \(`resources: \{ memory: … \}`\)\.$/)
})

test('of a fork bomb only so many processes live, where the kernel can limit them', async () => {
  const { log } = await place.run('for i in $(seq 40); do sleep 3 & done 2>&1; echo started; kill %% || true', {
    processes: 20,
    ...USER,
  })

  expect(/fork|Resource temporarily/i.test(log)).toBe(kernelLimits.includes('pids'))
})

test('a failure says that the attempt met its limit of processes, where the kernel can limit them', async () => {
  const forks = `python3 -c "
import os, time
while True:
    if os.fork() == 0: time.sleep(60)
"`
  const advice = 'start fewer workers, or fewer threads in each (`OMP_NUM_THREADS`).'
  const said = ` It met its limit of 30 processes and threads at a time: ${advice}`

  const met = await place.run(forks, { processes: 30 })
  const within = await place.run('sleep 0 & wait; exit 3', { processes: 30 })
  const overcome = await place.run(`${forks} || true`, { processes: 30 })

  if (!kernelLimits.includes('pids')) return
  expect(met.record).toMatchObject({ reason: 'exit', message: `It ended with exit code 1.${said}` })
  expect(within.record.message).toBe('It ended with exit code 3.')
  expect(overcome.record).toMatchObject({ outcome: 'succeeded' })
})

test('a process that left its session, its parent and its environment is ended too, where there are control groups', async () => {
  const hide = `env -i setsid sh -c 'sleep 600 & echo $! > hidden.pid; exec env -i setsid true'; sleep 0.1`
  const { order } = await place.run(hide, USER)

  const pid = Number(readFileSync(join(order.workspace, 'hidden.pid'), 'utf8'))
  if (kernelLimits.length > 0) expect(isDead(pid)).toBe(true)
  else process.kill(pid, 'SIGKILL')
})

test('a supervisor that is killed leaves no control group', async () => {
  const order = place.order('touch up; sleep 600', { memoryBytes: 2 ** 30, ...USER })
  const handle = await place.executor.submit(order, {})
  await until(() => existsSync(join(order.workspace, 'up')))
  const { supervisor } = JSON.parse(readFileSync(join(order.attemptFolder, 'claim.json'), 'utf8')) as SupervisorClaim
  if (kernelLimits.length > 0) expect(groupsOf(supervisor)).not.toEqual([])

  process.kill(supervisor.pid, 'SIGKILL')
  await untilGone(place.executor, handle)
  await place.executor.forget(handle)

  await until(() => groupsOf(supervisor).length === 0)
})

test('an attempt that writes more than it may is ended with the numbers', async () => {
  const { record } = await place.run('while :; do head -c 5000000 /dev/zero >> big; sleep 0.05; done', {
    diskBytes: 40 * 2 ** 20,
    ...USER,
  })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'disk-full' })
  expect(record.message).toMatch(/^It wrote more than it may: \d+ of 40 MiB on the disk/)
})

test('an attempt that has written more than it may is seen also where it ended at once', async () => {
  const write = 'head -c 60000000 /dev/zero > big'
  const { record } = await place.run(write, { diskBytes: 40 * 2 ** 20, outs: ['big'], ...USER })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'disk-full', exitCode: 0, outs: {} })
  expect(record.message).toMatch(/^It wrote more than it may: 57 of 40 MiB on the disk/)
  expect((await place.run(write, { diskBytes: 80 * 2 ** 20, ...USER })).record.outcome).toBe('succeeded')
})

describe('in a sandbox', () => {
  const WALLS = { sandbox: true, ...USER }

  test('a step sees its workspace and the system, and of other people nothing', async () => {
    const others = mkdtempSync(join(tmpdir(), 'tidegate-others-'))
    writeFileSync(join(others, 'secret'), 'of somebody', { mode: 0o644 })
    const inputs = [
      await place.file('train.py', 'print(open("data.txt").read(), end="")'),
      await place.file('data.txt', 'mine\n'),
    ]

    const { log, record } = await place.run(
      `python3 train.py; ls /tmp ${others} 2>&1 || true; ls ${place.folder} | tr '\\n' ' '; echo out > out.txt; touch "$HOME/h" "$TMPDIR/t"; touch /usr/x 2>&1 || true`,
      { inputs, outs: ['out.txt'], ...WALLS },
    )
    rmSync(others, { recursive: true })

    expect(record).toMatchObject({ outcome: 'succeeded' })
    expect(Object.keys(record.outs)).toEqual(['out.txt'])
    expect(log).toContain('mine\n')
    expect(log).not.toContain('of somebody')
    expect(log).toContain(`cannot access '${others}'`)
    expect(log).toContain("cannot touch '/usr/x'")
    // Of the data folder only the way to the workspace.
    expect(log).toMatch(/\nwork touch/)
  })

  test('it sees no process but its own, and none of them lives afterwards, also when the supervisor is killed', async () => {
    const order = place.order('ls /proc | grep -c "^[0-9]*$"; (setsid sleep 600 &); echo ready > up; sleep 600', WALLS)
    const handle = await place.executor.submit(order, {})
    await untilFile(join(order.workspace, 'up'))

    const claim = JSON.parse(readFileSync(join(order.attemptFolder, 'claim.json'), 'utf8')) as SupervisorClaim
    process.kill(claim.supervisor.pid, 'SIGKILL')
    await until(() => isDead(claim.supervisor.pid))
    await untilGone(place.executor, handle)

    expect(Number(readFileSync(join(order.attemptFolder, 'log'), 'utf8'))).toBeLessThan(8)
    expect(leftOf(order.workspace)).toEqual([])
  })

  test('what it writes to /tmp is on the disk, counts there, and is gone afterwards', async () => {
    const write = (folder: string) => `dd if=/dev/zero of=${folder}/large bs=1M count=60; exec sleep 600`
    for (const folder of ['/tmp', '/var/tmp', '$TMPDIR']) {
      const { record, order } = await place.run(write(folder), { ...WALLS, diskBytes: 30 * 2 ** 20, graceMs: 100 })

      expect(record).toMatchObject({ outcome: 'failed', reason: 'disk-full' })
      expect(existsSync(`${order.workspace}.tmp`)).toBe(false)
    }
  }, 30_000)

  test('the grace is as without walls: also of a program that is not the last of its script', async () => {
    const inputs = [
      await place.file(
        'train.py',
        `import signal, sys, time
def save(*_):
    print('saving', flush=True); time.sleep(0.7); open('saved', 'w').write('all of it'); sys.exit(0)
signal.signal(signal.SIGTERM, save)
open('up', 'w').close()
while True: time.sleep(0.05)
`,
      ),
    ]
    for (const run of ['exec python3 train.py', 'python3 train.py\necho not reached']) {
      const order = place.order(run, { ...WALLS, inputs })
      const handle = await place.executor.submit(order, {})
      await until(() => existsSync(join(order.workspace, 'up')))
      const cancelledAt = performance.now()
      await place.executor.cancel(handle, 20_000)
      const record = await untilEnded(place.executor, handle)

      expect(record.outcome).toBe('cancelled')
      expect(readFileSync(join(order.workspace, 'saved'), 'utf8')).toBe('all of it')
      expect(readLog(order)).toBe('saving\n[tidegate] It was cancelled.\n')
      expect(performance.now() - cancelledAt).toBeLessThan(10_000)
      expect(leftOf(order.workspace)).toEqual([])
    }
  })

  test('who ignores TERM has the whole grace, and is dead after it with all that left its session', async () => {
    const order = place.order(
      `trap '' TERM; (setsid sh -c 'trap "" TERM; while :; do sleep 0.1; done' &); touch up; while :; do sleep 0.1; echo on; done`,
      { ...WALLS, timeoutMs: 1_500, graceMs: 1_000 },
    )
    const startedAt = performance.now()
    const handle = await place.executor.submit(order, {})
    const record = await untilEnded(place.executor, handle)

    expect(record).toMatchObject({ outcome: 'failed', reason: 'timeout' })
    expect(performance.now() - startedAt).toBeGreaterThan(2_500)
    expect(leftOf(order.workspace)).toEqual([])
  })

  test('a signal that ends the command is one with and without walls, and an exit code of its own stays one', async () => {
    for (const walls of [WALLS, USER]) {
      const killed = await place.run('kill -9 $$', walls)
      expect(killed.record).toMatchObject({ outcome: 'failed', reason: 'signal', signal: 'SIGKILL' })
      expect(killed.record.exitCode).toBeUndefined()
      expect((await place.run('exit 255', walls)).record).toMatchObject({ reason: 'exit', exitCode: 255 })
      expect((await place.run('exit 128', walls)).record).toMatchObject({ reason: 'exit', exitCode: 128 })
    }
    expect((await place.run('exit 137', USER)).record).toMatchObject({ reason: 'exit', exitCode: 137 })
  })

  test('an exit code, a cancel and the network are as without walls', async () => {
    const server = createServer((_, response) => response.end('from outside'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const ask = `python3 -c "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:${port}').read().decode())"; exit 7`

    const asked = await place.run(ask, WALLS)
    server.close()
    const order = place.order('touch up; sleep 600', { ...WALLS, graceMs: 100 })
    const handle = await place.executor.submit(order, {})
    await until(() => existsSync(join(order.workspace, 'up')))
    await place.executor.cancel(handle, 100)
    const cancelled = await untilEnded(place.executor, handle)

    expect(asked.log).toContain('from outside')
    expect(asked.record).toMatchObject({ reason: 'exit', exitCode: 7 })
    expect(cancelled.outcome).toBe('cancelled')
    expect(leftOf(order.workspace)).toEqual([])
  })
})

test('a server that must have a sandbox says what to install where there is none', async () => {
  const path = process.env['PATH']
  process.env['PATH'] = '/nowhere'
  try {
    expect(await chooseSandbox('auto', 231_000)).toBe(false)
    expect(await chooseSandbox('off', 231_000)).toBe(false)
    await expect(chooseSandbox('required', 231_000)).rejects.toThrow('it is not installed. Install it (`apt install')
  } finally {
    process.env['PATH'] = path
  }
  expect(await chooseSandbox('required', 231_000)).toBe(true)
})

function leftOf(workspace: string): string[] {
  return processes().filter((line) => line.includes(workspace))
}

function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .map((pid) => {
      try {
        return isDead(pid) ? '' : `${pid} ${readFileSync(`/proc/${pid}/environ`, 'latin1')}`
      } catch {
        return ''
      }
    })
}
