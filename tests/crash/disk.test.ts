import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addPerson } from '../../src/api/access.ts'
import { listArtifacts } from '../../src/api/artifacts.ts'
import { startRun } from '../../src/api/runs.ts'
import type { Digest } from '../../src/core/digest.ts'
import { isAppError } from '../../src/core/errors.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { openLineFile } from '../../src/lib/line-file.ts'
import { temporaryFolder } from '../source/git-place.ts'
import { startTestServerProcess, type TestServerProcess } from '../harness/server-process.ts'
import type { TestPerson } from '../harness/server.ts'
import { isQuiet } from './invariants.ts'
import { mountReadOnly, mountSmall } from './mounts.ts'
import { untilTrue } from './patience.ts'
import { IS_ROOT } from '../harness/is-root.ts'

// Only root may mount; `.ci/run` is.
describe.runIf(IS_ROOT)('a server whose disk', () => {
  let place: TestServerProcess
  let ana: TestPerson
  let doors: string

  beforeAll(async () => {
    place = await startTestServerProcess('data-folder', undefined, { place: (folder) => mountSmall(folder, '120m') })
    ana = await place.person('ana')
    chmodSync(place.folder, 0o755)
    doors = join(place.folder, 'doors')
    mkdirSync(doors)
  })

  afterAll(() => place[Symbol.asyncDispose]())

  /** A step that prints until its door is open, then leaves a file. */
  function printing() {
    const run = 'while [ ! -e "$DOORS/$TIDEGATE_PROJECT" ]; do echo a line; sleep 0.02; done; echo made > out.txt'
    return { 'tidegate.yaml': `env: { DOORS: "${doors}" }\nsteps:\n  print: { run: '${run}', outs: [out.txt] }\n` }
  }

  const openDoor = (name: string) => closeSync(openSync(join(doors, name), 'w'))

  test('is full says so, ends what cannot be logged with that reason, and goes on when there is room', async () => {
    const project = await place.project('fills', printing())
    await project.push(ana, '--push-option=detach')
    const log = join(place.dataFolder, 'attempts/fills/1/print/1/log')
    await untilTrue('the step to print', () => (existsSync(log) && readFileSync(log).length > 100) || undefined)

    const ballast = fill(place.dataFolder)
    const refused = await untilTrue('the database to be refused', () => refusedPerson(place.admin))
    openDoor('fills')
    await project.commit({ 'more.txt': 'x'.repeat(100_000) })
    const push = await project.push(ana, '--push-option=detach')
    rmSync(ballast)
    const run = await project.ended(1)

    expect(refused).toMatchObject({ code: 'DISK_FULL', status: 507 })
    expect(refused.message).toContain('No space is left on the disk')
    expect(push.code).not.toBe(0)
    expect(push.stderr).toMatch(/space|cannot write/i)
    expect(run.steps.find(({ key }) => key === 'print')).toMatchObject({ state: 'failed', reason: 'disk-full' })
    expect((await project.push(ana)).code).toBe(0)
    expect(await project.ended(2)).toMatchObject({ state: 'succeeded' })
    expect(await isQuiet(place.databaseUrl)).toBe(true)
    expect(place.isUp).toBe(true)
  })

  test('has a full store takes the push, and runs it when there is room', async () => {
    openDoor('stores')
    const project = await place.project('stores', printing())
    const store = join(place.dataFolder, 'store')
    const small = await mountSmall(store, '64k')

    const push = await project.push(ana, '--push-option=detach')
    fill(store)
    await untilTrue('the run to be refused or made', async () => {
      const serverLog = readFileSync(join(place.dataFolder, 'server.log'), 'utf8')
      return serverLog.includes('a push could not be planned') || (await project.runs()).length > 0 || undefined
    })
    await small[Symbol.asyncDispose]()

    expect(push.code).toBe(0)
    await untilTrue('the run', async () => (await project.runs())[0])
    const run = await project.ended(1)
    expect(run.state === 'succeeded' || run.reason?.includes('No space')).toBe(true)
  })

  test('is read-only for a while says so, and goes on when it can be written', async () => {
    openDoor('waits')
    const project = await place.project('waits', printing())
    await project.push(ana)
    await project.commit({ 'more.txt': 'more\n' })

    const readOnly = await mountReadOnly(place.dataFolder)
    const push = await project.push(ana, '--push-option=detach')
    const start = ana.client.call(startRun, { params: { project: 'waits' }, body: {} })
    await expect(start).rejects.toMatchObject({ code: 'READ_ONLY', status: 507 })
    await readOnly[Symbol.asyncDispose]()

    expect(push.code).not.toBe(0)
    // git's own words: it is the first that wants to write.
    expect(push.stderr).toMatch(/unable to create|read-only|cannot write/i)
    expect((await project.push(ana)).code).toBe(0)
    expect(await project.ended(2)).toMatchObject({ state: 'succeeded' })
  })
})

// Only root may mount; `.ci/run` is.
test.runIf(IS_ROOT)('a server whose disk is full removes by itself what nothing needs, and nothing else', async () => {
  await using place = await startTestServerProcess('data-folder', 'keep: { cache: 1KiB }\n', {
    place: (folder) => mountSmall(folder, '120m'),
  })
  const ana = await place.person('ana')
  const project = await place.project('caches', {
    'size.txt': '9000000\n',
    'tidegate.yaml': `steps:\n  make: { run: 'head -c $(cat size.txt) /dev/urandom > out.bin', deps: [size.txt], outs: [out.bin] }\n`,
  })
  await project.push(ana)
  const ofRun = { params: { project: 'caches', number: 1 } }
  const cached = (await ana.client.call(listArtifacts, ofRun)).artifacts.find(({ path }) => path === 'out.bin')!
  await using store = await openFolderStore(join(place.dataFolder, 'store'))
  const orphan = await store.put(randomBytes(9_000_000))
  const young = await store.put(randomBytes(100_000))
  for (const { digest } of [orphan, cached]) utimesSync(store.localPath(digest as Digest), LONG_AGO, LONG_AGO)

  fill(place.dataFolder)

  const isThere = (digest: string) => existsSync(store.localPath(digest as Digest))
  await untilTrue('what nothing needs to go', () => !isThere(orphan.digest) && !isThere(cached.digest))
  expect(isThere(young.digest)).toBe(true)
  await project.commit({ 'size.txt': '1000\n' })
  expect((await project.push(ana)).code).toBe(0)
  expect(await project.ended(2)).toMatchObject({ state: 'succeeded' })
})

const LONG_AGO = new Date(Date.now() - 40 * 24 * 3_600_000)

/** Writes until nothing more fits. */
// Only root may mount; `.ci/run` is.
test.runIf(IS_ROOT)('lines that a full disk does not take are counted, and the others are whole', async () => {
  await using folder = await temporaryFolder()
  await using _small = await mountSmall(folder.path, '64k')
  const file = join(folder.path, 'server.log')
  const lines = openLineFile(file, (lost) => `${lost} lost\n`)
  const ballast = fill(folder.path)

  for (let at = 0; at < 100; at++) lines.write(`${'x'.repeat(999)}\n`)
  const whileFull = readFileSync(file, 'utf8')
  rmSync(ballast)
  lines.write('there is room\n')

  expect(whileFull).toMatch(/^(?:x{999}\n)*$/)
  const taken = whileFull.length / 1_000
  expect(taken).toBeLessThan(100)
  expect(readFileSync(file, 'utf8')).toBe(`${whileFull}${100 - taken} lost\nthere is room\n`)
})

function fill(folder: string): string {
  const path = join(folder, 'ballast')
  const file = openSync(path, 'w')
  const block = Buffer.alloc(1 << 16, 1)
  try {
    for (;;) writeSync(file, block)
  } catch {
    // Full.
  } finally {
    closeSync(file)
  }
  return path
}

let asked = 0

/** SQLite's log has room of its own for some writes. */
async function refusedPerson(admin: TestPerson) {
  try {
    await admin.client.call(addPerson, { body: { name: `guest-${asked++}`, role: 'viewer' } })
    return undefined
  } catch (error) {
    return isAppError(error) ? error : undefined
  }
}
