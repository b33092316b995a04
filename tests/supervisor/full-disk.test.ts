import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeOutcomes } from '../../src/evaluation/outcomes-file.ts'
import { createJsonFile, replaceJsonFile } from '../../src/lib/json-file.ts'
import { untilEnded } from '../contract/executor.ts'
import { mountSmall } from '../crash/mounts.ts'
import { isDead, openAttemptPlace, until } from './attempt-place.ts'
import { IS_ROOT } from '../harness/is-root.ts'

let disk: string
let small: AsyncDisposable
let count = 0

// Only root may mount; `.ci/run` is.
describe.runIf(IS_ROOT)('where the disk is full', () => {
  beforeAll(async () => {
    disk = mkdtempSync(join(tmpdir(), 'tidegate-full-'))
    small = await mountSmall(disk, '2m')
  })

  afterAll(async () => {
    await small[Symbol.asyncDispose]()
    rmSync(disk, { recursive: true })
  })

  function ownFolder(): string {
    const folder = join(disk, String(count++))
    mkdirSync(folder)
    return folder
  }

  test('a file of JSON is whole or as it was, also where a part of it would have fitted', () => {
    const folder = ownFolder()
    const file = join(folder, 'done.json')
    replaceJsonFile(file, { says: 'old' })
    using _ballast = fill(disk, PAGE)

    expect(() => replaceJsonFile(file, LONG)).toThrow('ENOSPC')
    expect(() => createJsonFile(join(folder, 'claim.json'), LONG)).toThrow('ENOSPC')

    expect(readFileSync(file, 'utf8')).toBe('{"says":"old"}')
    expect(readdirSync(folder)).toEqual(['done.json'])
  })

  test('a service that prints on ends the attempt, and nothing of it lives', async () => {
    await using place = await openAttemptPlace()
    const attemptFolder = join(ownFolder(), 'attempt')
    const run = 'echo $$ > service.pid; touch up; while :; do echo a line of some length; sleep 0.001; done'
    const ready = { kind: 'command', run: 'test -e up' } as const
    const order = place.order('touch runs; sleep 600', {
      attemptFolder,
      services: [{ name: 'db', run, env: {}, ready, timeoutMs: 30_000 }],
    })
    const handle = await place.executor.submit(order, {})
    await until(() => existsSync(join(order.workspace, 'runs')))

    const ballast = fill(disk, 0)
    await until(() => isDead(Number(readFileSync(join(order.workspace, 'service.pid'), 'utf8'))))
    ballast[Symbol.dispose]()

    const record = await untilEnded(place.executor, handle)
    expect(record).toMatchObject({ outcome: 'failed', reason: 'disk-full' })
    expect(record.message).toContain('log could not be written')
  })

  test('a command that filled it ends as it ended, because its workspace makes room for the record', async () => {
    await using place = await openAttemptPlace()
    const folder = ownFolder()
    const order = place.order('cat /dev/zero > big; exit 3', {
      attemptFolder: join(folder, 'attempt'),
      workspace: join(folder, 'workspace'),
    })

    const record = await untilEnded(place.executor, await place.executor.submit(order, {}))

    expect(record).toMatchObject({ outcome: 'failed' })
    expect(['exit', 'disk-full']).toContain(record.reason)
    expect(existsSync(order.workspace)).toBe(false)
    expect(readdirSync(order.attemptFolder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('outcomes of an evaluation are whole, or it fails', async () => {
    const folder = ownFolder()
    const outcomes = { truth: new Float64Array(2 * PAGE) } as unknown as Parameters<typeof writeOutcomes>[1]
    using _ballast = fill(disk, 2 * PAGE)

    await expect(writeOutcomes(join(folder, 'outcomes'), outcomes)).rejects.toThrow('ENOSPC')
  })
})

const PAGE = 4_096
const LONG = { says: 'x'.repeat(3 * PAGE) }

/** Writes until only so much more fits, until disposed. */
function fill(folder: string, freeBytes: number): Disposable {
  const [spare, ballast] = [join(folder, 'spare'), join(folder, 'ballast')]
  for (const [path, bytes] of [
    [spare, freeBytes],
    [ballast, Infinity],
  ] as const)
    write(path, bytes)
  rmSync(spare)
  return { [Symbol.dispose]: () => rmSync(ballast) }
}

function write(path: string, bytes: number): void {
  const file = openSync(path, 'w')
  const block = Buffer.alloc(PAGE, 1)
  try {
    for (let written = 0; written < bytes; written += PAGE) writeSync(file, block)
  } catch {
    // Full.
  } finally {
    closeSync(file)
  }
}
