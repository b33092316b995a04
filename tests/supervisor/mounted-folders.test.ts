import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { putFolder } from '../../src/artifacts/put.ts'
import { sharedFolderOf } from '../../src/artifacts/shared-folder.ts'
import type { SupervisorClaim } from '../../src/core/attempt-files.ts'
import type { AttemptOrder, FolderInput } from '../../src/core/ports/executor.ts'
import { flipByte } from '../harness/flip-byte.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { untilEnded } from '../contract/executor.ts'
import { isDead, openAttemptPlace, until, untilFile, type AttemptPlace } from './attempt-place.ts'

/** As root, who can mount: CI is. */
let place: AttemptPlace
let images: FolderInput

beforeAll(async () => {
  place = await openAttemptPlace()
  const source = join(place.folder, 'source/deep')
  mkdirSync(source, { recursive: true })
  writeFileSync(join(source, 'a.txt'), 'a\n')
  writeFileSync(join(source, '../b.txt'), 'b\n')
  images = { path: 'data/images', tree: await putFolder(place.store, join(place.folder, 'source')) }
})
afterAll(() => place[Symbol.asyncDispose]())

const alice = { uid: 63_001, gid: 63_001 }
const READ = 'cat data/images/deep/a.txt data/images/b.txt'
const WRITE = `for path in data/images/new data/images/deep/a.txt; do
  if echo x > $path; then echo "wrote $path"; fi
done
rm -rf data/images || true`

test.each([
  ['root', {}],
  ['a user of its own', { runAs: alice }],
  ['a user behind walls', { runAs: alice, sandbox: true }],
] as [string, Partial<AttemptOrder>][])(
  '%s reads a large folder in its workspace and cannot change it',
  async (_, as) => {
    const inputs = [await place.file('train.py', ''), await place.file('data/rows.csv', 'rows\n')]
    const order = { ...as, inputs, folders: [images], outs: ['out.txt'] }

    const { record, log } = await place.run(
      `${READ}\n${WRITE}\nid -u; ls data; touch data/mine; ${READ} > out.txt`,
      order,
    )

    expect(record).toMatchObject({ outcome: 'succeeded' })
    expect(log).toContain('data/images can only be read: mounted, and not copied')
    expect(log).toContain(`a\nb\n`)
    expect(log).toContain('Read-only file system')
    expect(log).not.toContain('wrote')
    expect(log).toContain(`${as.runAs?.uid ?? 0}\nimages\nrows.csv\n`)
    expect(String(readFileSync(place.store.localPath(record.outs['out.txt']!.digest)))).toBe('a\nb\n')
    expect(readFileSync(join(sharedFolderOf(join(place.folder, 'store'), images.tree.digest), 'b.txt'), 'utf8')).toBe(
      'b\n',
    )
  },
)

test('a user who was not given a folder cannot come by it', async () => {
  await place.run('true', { folders: [images], runAs: alice })
  const shared = sharedFolderOf(join(place.folder, 'store'), images.tree.digest)

  const { log } = await place.run(`ls ${shared} || cat ${shared}/b.txt || unshare -Ur cat ${shared}/b.txt`, {
    runAs: alice,
  })

  expect(existsSync(shared)).toBe(true)
  expect(log).toMatch(/Permission denied/)
  expect(log).not.toContain('b\n')
})

test.each([
  ['with walls', { runAs: alice, sandbox: true }],
  ['without', { runAs: alice }],
] as [string, Partial<AttemptOrder>][])('a cancel leaves the grace to a command with a mount, %s', async (_, as) => {
  const order = place.order(`trap 'sleep 0.3; echo saved; exit 0' TERM; echo up > up; while :; do sleep 0.05; done`, {
    ...as,
    folders: [images],
  })
  const handle = await place.executor.submit(order, {})
  await untilFile(join(order.workspace, 'up'))
  await place.executor.cancel(handle, 20_000)

  expect(await untilEnded(place.executor, handle)).toMatchObject({ outcome: 'cancelled', exitCode: 0 })
  expect(readFileSync(join(order.attemptFolder, 'log'), 'utf8')).toContain('saved\n')
})

test('what the command is, and how it ends, are as without a mount', async () => {
  const env = { PATH: '/usr/bin:/bin', A: '1' }
  const run = 'id -G; pwd; echo "$A"; exit 7'
  const [copied, mounted] = [
    await place.run(run, { env, runAs: alice }),
    await place.run(run, { env, runAs: alice, folders: [images] }),
  ]

  expect(mounted.record).toMatchObject({ outcome: 'failed', reason: 'exit', exitCode: 7 })
  expect(mounted.log.split('\n').filter((line) => !line.includes('mounted'))).toEqual(
    copied.log.replace(copied.order.workspace, mounted.order.workspace).split('\n'),
  )
})

test.each([{}, { sandbox: true }])(
  'what a pipeline puts into the environment does not say what we run (%o)',
  async (walls) => {
    const ranAs = join(place.folder, 'ran-as')
    writeFileSync(ranAs, '')
    chmodSync(ranAs, 0o666)
    const tools = `#!/bin/sh\nid -u >> ${ranAs}\nexec /usr/bin/$(basename "$0") "$@"\n`
    const inputs = await Promise.all(
      ['unshare', 'mount', 'setpriv', 'sh'].map(async (name) => ({
        ...(await place.file(`tools/${name}`, tools)),
        executable: true,
      })),
    )
    const env = {
      PATH: './tools:/usr/bin:/bin',
      LD_PRELOAD: './evil.so',
      IFS: 'x',
      B: 'it\'s "quoted" $HOME\nand long',
    }

    const { log } = await place.run('printf "%s|" "$PATH" "$LD_PRELOAD" "$B"', {
      env,
      inputs,
      runAs: alice,
      folders: [images],
      ...walls,
    })

    expect(log).toContain(`./tools:/usr/bin:/bin|./evil.so|it's "quoted" $HOME\nand long|`)
    expect(readFileSync(ranAs, 'utf8')).toBe('')
  },
)

test('kill -9 of supervisor and command leaves no mount', async () => {
  const order = place.order('echo up > up.txt; exec sleep 600', { folders: [images], runAs: alice })
  await place.executor.submit(order, {})
  await untilFile(join(order.workspace, 'up.txt'))
  const claim = join(order.attemptFolder, 'claim.json')
  await until(() => (JSON.parse(readFileSync(claim, 'utf8')) as SupervisorClaim).command !== undefined)
  const { supervisor, command } = JSON.parse(readFileSync(claim, 'utf8')) as SupervisorClaim
  const seenInside = readFileSync(`/proc/${command!.pid}/mounts`, 'utf8')

  process.kill(supervisor.pid, 'SIGKILL')
  process.kill(command!.pid, 'SIGKILL')
  await until(() => isDead(supervisor.pid) && isDead(command!.pid))

  expect(seenInside).toContain(join(order.workspace, 'data/images'))
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(order.workspace)
  expect(readdirSync(join(order.workspace, 'data/images'))).toEqual([])
})

test('beside services a folder is copied, and the log says why', async () => {
  const service = { name: 'db', run: 'exec sleep 60', env: {}, timeoutMs: 20_000 }
  const services = [{ ...service, ready: { kind: 'command', run: 'true' } } as const]

  const { log, record } = await place.run(`${READ}; echo x > data/images/new`, { folders: [images], services })

  expect(log).toContain(
    'data/images is copied, which takes a while, because it cannot be mounted: the step has services',
  )
  expect(record.outcome).toBe('succeeded')
})

test('a folder that the store has not whole ends the attempt before its command', async () => {
  const source = join(place.folder, 'other')
  mkdirSync(source)
  writeFileSync(join(source, 'c.txt'), 'c\n')
  const folder = { path: 'data', tree: await putFolder(place.store, source) }
  flipByte(place.store, sha256('c\n'))

  const { record, log } = await place.run('echo ran', { folders: [folder] })

  expect(record).toMatchObject({ reason: 'damaged-input', lost: [{ path: 'data/c.txt', digest: sha256('c\n') }] })
  expect(log).not.toContain('ran\n')
})
