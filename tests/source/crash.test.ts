import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readEvents } from '../../src/db/outbox.ts'
import { writeHooks } from '../../src/source/hooks.ts'
import { createProject } from '../../src/source/projects.ts'
import { unhandledUpdates } from '../../src/source/pushes.ts'
import { reconcilePushes } from '../../src/source/reconcile-pushes.ts'
import { DATABASES, openTestDatabase, type TestDatabase } from '../harness/databases.ts'
import { git, makeWork, runClient, temporaryFolder } from './git-place.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestDatabase
  let folder: Awaited<ReturnType<typeof temporaryFolder>>

  beforeAll(async () => {
    place = await openTestDatabase(kind)
    folder = await temporaryFolder()
  })

  afterAll(async () => {
    await place[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  async function startServer(dataFolder: string, when: string) {
    const script = join(import.meta.dirname, 'crash-server.ts')
    const child = spawn(process.execPath, [script, place.url, dataFolder, when], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [port] = (await once(child.stdout, 'data')) as [Buffer]
    return { child, exited: once(child, 'exit'), address: `127.0.0.1:${port.toString().trim()}` }
  }

  async function prepare(project: string) {
    const dataFolder = join(folder.path, `data-${project}`)
    await createProject(place.database, dataFolder, { name: project }, 'admin')
    const work = await makeWork(folder.path, `work-${project}`, { 'train.py': 'print(1)\n' })
    return { dataFolder, work, head: await git(work, 'rev-parse', 'HEAD') }
  }

  async function updatesOf(project: string) {
    const updates = await unhandledUpdates(place.database.read)
    return updates.filter((update) => update.repository === project)
  }

  test.each(['before-rows', 'after-rows', 'in-progress'])(
    'a server killed with -9 %s leaves a push that becomes exactly one row',
    async (when) => {
      const project = `killed-${when}`
      const { dataFolder, work, head } = await prepare(project)
      const server = await startServer(dataFolder, when)

      await runClient(work, ['push', `http://x:write-ana@${server.address}/${project}.git`, 'main'])
      const [, signal] = (await server.exited) as [number | null, string | null]
      await reconcilePushes(place.database, dataFolder)
      const again = await reconcilePushes(place.database, dataFolder)

      expect(signal).toBe('SIGKILL')
      expect(again).toBe(0)
      expect(await updatesOf(project)).toMatchObject([{ ref: 'refs/heads/main', newCommit: head, person: 'ana' }])
      const events = await readEvents(place.database.read, 0, 100, { project })
      expect(events.map((event) => event.kind)).toEqual(['push.received'])
      expect(await readdir(join(dataFolder, 'pushes'))).toEqual([])
    },
  )

  test('a push that git is still taking when its server dies is settled when git has ended', async () => {
    const { dataFolder, work, head } = await prepare('orphan')
    const hook = join(await writeHooks(dataFolder), 'update')
    await mkdir(join(folder.path, 'marks'))
    await writeFile(hook, `#!/bin/sh\ntouch '${folder.path}/marks/orphan'\nsleep 0.7\n`)
    await chmod(hook, 0o755)
    const server = await startServer(dataFolder, 'never')

    const pushing = runClient(work, ['push', `http://x:write-ana@${server.address}/orphan.git`, 'main'])
    await expect.poll(() => readdir(join(folder.path, 'marks')), { timeout: 20_000 }).toEqual(['orphan'])
    server.child.kill('SIGKILL')
    await server.exited
    const recorded = await reconcilePushes(place.database, dataFolder)
    await pushing

    const reached = await runClient(work, ['ls-remote', join(dataFolder, 'repositories', 'orphan.git')])
    const moved = reached.stdout.includes(head)
    expect(recorded).toBe(moved ? 1 : 0)
    expect(await updatesOf('orphan')).toHaveLength(moved ? 1 : 0)
    expect(await readdir(join(dataFolder, 'pushes'))).toEqual([])
  })

  test('a push that an older version wrote down becomes its row', async () => {
    const { dataFolder, work, head } = await prepare('older')
    const server = await startServer(dataFolder, 'before-rows')
    await runClient(work, ['push', `http://x:write-ana@${server.address}/older.git`, 'main'])
    await server.exited
    const [name] = await readdir(join(dataFolder, 'pushes'))
    const file = join(dataFolder, 'pushes', name!)
    const { repository, ...entry } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    await writeFile(file, JSON.stringify({ ...entry, project: repository }))

    await reconcilePushes(place.database, dataFolder)

    expect(await updatesOf('older')).toMatchObject([{ ref: 'refs/heads/main', newCommit: head, person: 'ana' }])
    expect(await readdir(join(dataFolder, 'pushes'))).toEqual([])
  })

  test('a push to a repository that is gone keeps no server from starting', async () => {
    const { dataFolder, work } = await prepare('gone')
    const server = await startServer(dataFolder, 'before-rows')
    await runClient(work, ['push', `http://x:write-ana@${server.address}/gone.git`, 'main'])
    await server.exited
    await rm(join(dataFolder, 'repositories', 'gone.git'), { recursive: true })

    const recorded = await reconcilePushes(place.database, dataFolder)

    expect(recorded).toBe(0)
    expect(await readdir(join(dataFolder, 'pushes'))).toEqual([])
  })

  test('a push whose refs never moved leaves no row', async () => {
    const { dataFolder, work } = await prepare('unmoved')
    const hook = join(await writeHooks(dataFolder), 'update')
    await writeFile(hook, '#!/bin/sh\nkill -9 $PPID\n')
    await chmod(hook, 0o755)
    const server = await startServer(dataFolder, 'never')

    const outcome = await runClient(work, ['push', `http://x:write-ana@${server.address}/unmoved.git`, 'main'])
    server.child.kill('SIGKILL')
    await server.exited
    await reconcilePushes(place.database, dataFolder)

    expect(outcome.code).not.toBe(0)
    expect(await updatesOf('unmoved')).toEqual([])
    expect(await readdir(join(dataFolder, 'pushes'))).toEqual([])
  })
})
