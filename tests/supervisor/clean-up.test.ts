import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAttemptPlace, readLog, type AttemptPlace } from './attempt-place.ts'
import { untilEnded } from '../contract/executor.ts'
import type { AttemptOrder, CompletionRecord } from '../../src/core/ports/executor.ts'
import { IS_ROOT } from '../harness/is-root.ts'

let place: AttemptPlace

beforeAll(async () => {
  place = await openAttemptPlace()
})

afterAll(() => place[Symbol.asyncDispose]())

const run = promisify(execFile)
const STARTER = new URL('./starter.ts', import.meta.url).pathname

/** As an installation of a user who may not do what root may: all that it has is that user's. */
async function runAsNobody(script: string, prepare: (order: AttemptOrder) => void): Promise<AttemptOrder> {
  chmodSync(place.folder, 0o755)
  const folder = mkdtempSync(join(place.folder, 'nobody-'))
  for (const name of ['executor', 'work', 'store']) mkdirSync(join(folder, name))
  const order = place.order(script, {
    attemptFolder: join(folder, 'attempts/1'),
    workspace: join(folder, 'work/1'),
    storeFolder: join(folder, 'store'),
  })
  prepare(order)
  writeFileSync(join(folder, 'orders.json'), JSON.stringify([order]))
  if (IS_ROOT) execFileSync('chown', ['-R', '65534:65534', folder])
  const child = spawn(process.execPath, [STARTER, join(folder, 'executor'), join(folder, 'orders.json')], {
    ...(IS_ROOT ? { uid: 65_534, gid: 65_534 } : {}),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  return order
}

function makeReadOnly(folder: string): void {
  mkdirSync(join(folder, 'mod/deep'), { recursive: true })
  writeFileSync(join(folder, 'mod/deep/file'), '')
  for (const each of ['mod/deep', 'mod']) chmodSync(join(folder, each), 0o555)
}

function ended({ attemptFolder }: AttemptOrder): Promise<CompletionRecord> {
  return untilEnded(place.executor, attemptFolder)
}

const LEAVE_READ_ONLY = `for folder in "$HOME" "$TMPDIR"; do
  mkdir -p "$folder/mod/deep"; touch "$folder/mod/deep/file"; chmod -R a-w "$folder/mod"
done
id -u`

test('a step of a user who is not root may leave folders that cannot be written', async () => {
  const order = await runAsNobody(LEAVE_READ_ONLY, () => undefined)

  const record = await ended(order)

  expect(record).toMatchObject({ outcome: 'succeeded' })
  expect(readLog(order)).toBe(`${IS_ROOT ? 65_534 : process.getuid?.()}\n`)
  for (const beside of ['.home', '.tmp']) expect(existsSync(`${order.workspace}${beside}`)).toBe(false)
})

test('what a try that was killed left read-only is not in the way of the next one', async () => {
  const order = await runAsNobody('ls "$HOME" "$TMPDIR" .', ({ workspace }) => {
    for (const beside of ['', '.home', '.tmp']) makeReadOnly(`${workspace}${beside}`)
  })

  const record = await ended(order)

  expect(record).toMatchObject({ outcome: 'succeeded' })
  expect(readLog(order)).not.toContain('mod')
})

test.runIf(IS_ROOT)('what cannot be removed at all is said in the log, and the record is written', async () => {
  const workspace = join(place.folder, 'work/mounted')
  await using _mounted = { [Symbol.asyncDispose]: async () => void (await run('umount', [`${workspace}.home/disk`])) }

  const { record, log } = await place.run('mkdir "$HOME/disk"; mount -t tmpfs none "$HOME/disk"; exit 3', { workspace })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'exit', exitCode: 3 })
  expect(log).toMatch(/what it left behind could not be removed: .*EBUSY.*\n.*It ended with exit code 3\.\n$/)
  expect(existsSync(`${workspace}.tmp`)).toBe(false)
})
