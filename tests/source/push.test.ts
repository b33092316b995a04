import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/db/open-database.ts'
import { readEvents } from '../../src/db/outbox.ts'
import type { ReceivedPush } from '../../src/source/git-context.ts'
import { NO_COMMIT } from '../../src/source/hook-messages.ts'
import { createProject } from '../../src/source/projects.ts'
import { markHandled, unhandledUpdates } from '../../src/source/pushes.ts'
import { DATABASES, openTestDatabase, type TestDatabase } from '../harness/databases.ts'
import { commitFiles, git, makeWork, openGitPlace, runClient, temporaryFolder, type GitPlace } from './git-place.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestDatabase
  let database: Database
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let server: GitPlace
  let progress: (push: ReceivedPush, signal: AbortSignal) => AsyncIterable<string>

  beforeAll(async () => {
    place = await openTestDatabase(kind)
    database = place.database
    folder = await temporaryFolder()
    server = await openGitPlace(database, {
      dataFolder: join(folder.path, 'data'),
      progress: (push, signal) => progress(push, signal),
    })
  })

  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  /** A project, and a repository of its own that is about to be pushed to it. */
  async function prepare(project: string): Promise<{ work: string; url: string }> {
    progress = async function* () {}
    await createProject(database, server.dataFolder, { name: project }, 'admin')
    const work = await makeWork(folder.path, `work-${project}`, { 'train.py': 'print(1)\n', 'data/a.csv': 'x\n1\n' })
    return { work, url: server.url(project, 'write-ana') }
  }

  async function updatesOf(project: string) {
    return (await unhandledUpdates(database.read)).filter((update) => update.repository === project)
  }

  test('a first push to an empty repository is recorded once and can be cloned, also shallow', async () => {
    const { work, url } = await prepare('first')
    const empty = await runClient(folder.path, ['clone', '--quiet', url, 'clone-empty'])

    const pushed = await runClient(work, ['push', url, 'main'])
    await commitFiles(work, { 'train.py': 'print(2)\n' }, 'second')
    await git(work, 'push', '--quiet', url, 'main')
    await git(folder.path, 'clone', '--quiet', url, 'clone-full')
    await git(folder.path, 'clone', '--quiet', '--depth', '1', url, 'clone-shallow')
    await git(folder.path, '-c', 'protocol.version=0', 'clone', '--quiet', url, 'clone-old-protocol')

    expect(empty.code).toBe(0)
    expect(pushed.code).toBe(0)
    const head = await git(work, 'rev-parse', 'HEAD')
    for (const clone of ['clone-full', 'clone-shallow', 'clone-old-protocol']) {
      expect(await git(join(folder.path, clone), 'rev-parse', 'HEAD')).toBe(head)
    }
    expect(await git(join(folder.path, 'clone-shallow'), 'rev-list', '--count', 'HEAD')).toBe('1')
    const updates = await updatesOf('first')
    expect(updates).toMatchObject([
      { ref: 'refs/heads/main', person: 'ana', oldCommit: '0'.repeat(40) },
      { ref: 'refs/heads/main', person: 'ana', newCommit: head, oldCommit: updates[0]!.newCommit },
    ])
    const events = await readEvents(database.read, 0, 100, { project: 'first' })
    expect(events.map((event) => event.kind)).toEqual(['push.received', 'push.received'])
    expect(await readdir(join(server.dataFolder, 'pushes'))).toEqual([])
    expect(server.errors).toEqual([])
  })

  test('an update is handled by one of those who try', async () => {
    const { work, url } = await prepare('handled')
    await git(work, 'push', '--quiet', url, 'main')
    const [update] = await updatesOf('handled')
    const handle = () => database.write((writer) => markHandled(writer, update!.pushId, update!.ref))

    const answers = await Promise.all([handle(), handle(), handle()])

    expect(answers.filter(Boolean)).toHaveLength(1)
    expect(await updatesOf('handled')).toEqual([])
  })

  test('lines reach the pusher while the push goes on', async () => {
    const { work, url } = await prepare('live')
    const seen: string[] = []
    let goOn = () => undefined as void
    const firstSeen = new Promise<void>((resolve) => (goOn = resolve))
    progress = async function* (push) {
      yield `run of ${push.person} in ${push.repository}`
      await firstSeen
      yield '2-build \u001B[31mred\u0007 ok'
    }

    const outcome = await runClient(work, ['push', url, 'main'], (text) => {
      if (text.includes('run of ana in live')) {
        seen.push(text)
        goOn()
      }
    })

    expect(outcome.code).toBe(0)
    expect(seen[0]).not.toContain('2-build')
    expect(outcome.stderr).toContain('remote: run of ana in live')
    expect(outcome.stderr).toMatch(/remote: 2-build +\[31mred +ok/)
  })

  test('a pusher who detaches gets the link only', async () => {
    const { work, url } = await prepare('detached')
    progress = async function* (push) {
      yield push.isDetached ? 'see http://example.org/run' : 'watching'
    }

    const outcome = await runClient(work, ['push', '-o', 'tidegate.detach', '-o', 'a"$(touch x)`b\\n', url, 'main'])

    expect(outcome.code).toBe(0)
    expect(outcome.stderr).toContain('remote: see http://example.org/run')
    expect(await readdir(work)).not.toContain('x')
  })

  test('a pusher who leaves changes nothing, and progress is told', async () => {
    const { work, url } = await prepare('leaves')
    let wasTold = false
    progress = async function* (_push, signal) {
      signal.addEventListener('abort', () => (wasTold = true))
      yield 'run 1 started'
      await new Promise(() => undefined)
    }

    let hasLeft = false
    const outcome = await runClient(work, ['push', url, 'main'], (text, pid) => {
      if (hasLeft || !text.includes('run 1 started')) return
      hasLeft = true
      // As Ctrl-C does: to the whole group.
      process.kill(-pid, 'SIGINT')
    })

    expect(outcome.code).not.toBe(0)
    await expect.poll(() => wasTold, { timeout: 10_000 }).toBe(true)
    expect(await updatesOf('leaves')).toHaveLength(1)
    expect(await git(work, 'ls-remote', url, 'refs/heads/main')).toContain(await git(work, 'rev-parse', 'HEAD'))
  })

  test('a server that closes lets go of who watches, and the push is there', async () => {
    const { work } = await prepare('closing')
    const other = await openGitPlace(database, {
      dataFolder: server.dataFolder,
      async *progress() {
        yield 'run 1 started'
        await new Promise(() => undefined)
      },
    })

    let closed: Promise<void> | undefined
    const outcome = await runClient(work, ['push', other.url('closing', 'write-ana'), 'main'], (text) => {
      if (text.includes('run 1 started')) closed ??= other[Symbol.asyncDispose]() as Promise<void>
    })
    await closed

    expect(outcome.code).toBe(0)
    expect(outcome.stderr).toContain('remote: The run goes on without this terminal.')
    expect(await updatesOf('closing')).toHaveLength(1)
  })

  test('a push does not fail when its progress does', async () => {
    const { work, url } = await prepare('progress-fails')
    // eslint-disable-next-line require-yield
    progress = async function* () {
      throw new Error('the page is broken')
    }

    const outcome = await runClient(work, ['push', url, 'main'])

    expect(outcome.code).toBe(0)
    expect(outcome.stderr).toContain('remote: The run goes on, but cannot be shown here.')
    expect(server.errors.splice(0)).toHaveLength(1)
    expect(await updatesOf('progress-fails')).toHaveLength(1)
  })

  test('a branch named like a command is a branch', async () => {
    const { work, url } = await prepare('hostile')
    const branch = '$(touch${IFS}x)'
    await git(work, 'branch', branch)

    const outcome = await runClient(work, ['push', url, branch, '$(touch x):refs/heads/y'])
    await git(work, 'push', '--quiet', url, branch)

    expect(outcome.code).not.toBe(0)
    expect(await updatesOf('hostile')).toMatchObject([{ ref: `refs/heads/${branch}` }])
    expect(await readdir(work)).not.toContain('x')
    expect(await readdir(join(server.dataFolder, 'repositories', 'hostile.git'))).not.toContain('x')
    expect(await git(work, 'ls-remote', url)).toContain(branch)
  })

  test('of several refs in one push those that moved are recorded; a deleted one has nothing to run', async () => {
    const { work, url } = await prepare('several')
    await git(work, 'push', '--quiet', url, 'main')
    await git(work, 'branch', 'old')
    await git(work, 'push', '--quiet', url, 'old')
    await git(work, 'checkout', '--quiet', '--orphan', 'elsewhere')
    await commitFiles(work, { 'b.py': '' }, 'unrelated')
    await git(work, 'tag', '--annotate', '--message', 'one', 'v1')

    const outcome = await runClient(work, ['push', url, 'elsewhere:main', ':old', 'v1', 'elsewhere'])

    expect(outcome.code).not.toBe(0)
    const refs = (await updatesOf('several')).map((update) => update.ref)
    expect(refs).toEqual(['refs/heads/main', 'refs/heads/old', 'refs/heads/elsewhere', 'refs/tags/v1'])
    const events = await readEvents(database.read, 0, 100, { project: 'several' })
    expect(events.at(-1)!.data).toMatchObject({ refs: 3 })
  })

  test('without the right token nothing is read or written, and git says why', async () => {
    const { work, url } = await prepare('guarded')
    await git(work, 'push', '--quiet', url, 'main')
    await commitFiles(work, { 'c.py': '' }, 'second')
    const bare = `http://${server.address}/guarded.git`

    const none = await runClient(work, ['push', bare, 'main'])
    const wrong = await runClient(work, ['push', server.url('guarded', 'nonsense'), 'main'])
    const readOnly = await runClient(work, ['push', server.url('guarded', 'read-bo'), 'main'])
    const missing = await runClient(work, ['push', server.url('no-such', 'write-ana'), 'main'])
    const answer = await fetch(`${bare}/info/refs?service=git-upload-pack`)
    const header = 'http.extraHeader=Authorization: Bearer read-bo'
    const bearer = await runClient(work, ['-c', header, 'ls-remote', bare])

    for (const refused of [none, wrong, readOnly, missing]) expect(refused.code).not.toBe(0)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain('Basic')
    expect(readOnly.stderr).toContain('bo needs the role developer in project "guarded".')
    expect(missing.stderr).toContain('There is no repository "no-such".')
    expect(bearer.stdout).toContain('refs/heads/main')
    expect(await updatesOf('guarded')).toHaveLength(1)
    expect(server.errors).toEqual([])
  })

  test('what is not git is refused and harms nothing', async () => {
    const { work, url } = await prepare('nonsense')
    const base = `http://${server.address}/nonsense.git`
    const headers = { authorization: 'Bearer write-ana' }

    const dumb = await fetch(`${base}/HEAD`, { headers })
    const garbage = await fetch(`${base}/git-receive-pack`, { method: 'POST', headers, body: 'not a packet' })
    const packed = await fetch(`${base}/git-upload-pack`, {
      method: 'POST',
      headers: { ...headers, 'content-encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(64 << 20)),
    })
    const encoded = await fetch(`${base}/git-upload-pack`, {
      method: 'POST',
      headers: { ...headers, 'content-encoding': 'br' },
      body: 'x',
    })

    expect(dumb.status).toBe(404)
    await Promise.all([garbage.text(), packed.text()])
    expect(encoded.status).toBe(400)
    await git(work, 'push', '--quiet', url, 'main')
    expect(await updatesOf('nonsense')).toHaveLength(1)
    expect(await readFile(join(server.dataFolder, 'repositories', 'nonsense.git', 'HEAD'), 'utf8')).toContain('main')
    expect(server.errors).toEqual([])
  })

  test('a client that git would not let write this adds nothing to its push by line breaks', async () => {
    const { work, url } = await prepare('forged')
    await git(work, 'push', '--quiet', url, 'main')
    const head = await git(work, 'rev-parse', 'HEAD')
    const forged = `${NO_COMMIT} ${head} refs/heads/forged`

    const inOption = await pushByHand('forged', { ref: 'refs/heads/honest', head, option: `x\n${forged}` })
    const inName = await pushByHand('forged', { ref: `refs/heads/other\nend\npost\n${forged}\nend`, head, option: 'x' })

    expect(inOption).toContain('ok refs/heads/honest')
    expect(inName).toContain('pre-receive hook declined')
    expect((await updatesOf('forged')).map(({ ref }) => ref)).toEqual(['refs/heads/main', 'refs/heads/honest'])
    expect(server.errors).toEqual([])
  })

  /** One new ref, in the words of git's protocol: whatever a client may say. */
  async function pushByHand(
    project: string,
    { ref, head, option }: { ref: string; head: string; option: string },
  ): Promise<string> {
    const update = packet(`${NO_COMMIT} ${head} ${ref}\0report-status push-options\n`)
    const nothing = Buffer.from('5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e', 'hex')
    const answer = await fetch(`http://${server.address}/${project}.git/git-receive-pack`, {
      method: 'POST',
      headers: { authorization: 'Bearer write-ana', 'content-type': 'application/x-git-receive-pack-request' },
      body: Buffer.concat([Buffer.from(`${update}0000${packet(option)}0000`), nothing]),
    })
    return answer.text()
  }

  test('a large push and a large fetch stream through', async () => {
    const { work, url } = await prepare('large')
    const noise = Array.from({ length: 120_000 }, (_, index) => `${Math.sin(index)}${Math.cos(index)}`).join('\n')
    await commitFiles(work, { 'big.csv': noise }, 'big')

    await git(work, 'push', '--quiet', url, 'main')
    await git(folder.path, 'clone', '--quiet', url, 'clone-large')

    expect(await readFile(join(folder.path, 'clone-large', 'big.csv'), 'utf8')).toBe(noise)
  })

  test('a push of damaged objects is refused with the reason, however much comes after them', async () => {
    const { work, url } = await prepare('damaged')
    const tree = await git(work, 'write-tree')
    const broken = join(folder.path, 'broken-commit')
    await writeFile(broken, `tree ${tree}\nauthor A <a@b> 1 +0000\ncommitter no address\n\nbroken\n`)
    const commit = await git(work, 'hash-object', '-t', 'commit', '-w', '--literally', broken)
    await git(work, 'update-ref', 'refs/heads/broken', commit)
    await writeFile(join(work, 'noise.bin'), randomBytes(8 << 20))
    await commitFiles(work, {}, 'noise')

    const outcome = await runClient(work, ['push', url, 'broken', 'main'])

    expect(outcome.code).not.toBe(0)
    expect(outcome.stderr).toMatch(/fsck|badEmail|missingEmail|unpack/)
    expect(await updatesOf('damaged')).toEqual([])
    expect(server.errors).toEqual([])
  })

  test('two pushers at once: one wins, the other is told, and each is recorded as it went', async () => {
    const { work, url } = await prepare('race')
    await git(work, 'push', '--quiet', url, 'main')
    const other = join(folder.path, 'work-race-other')
    await git(folder.path, 'clone', '--quiet', url, other)
    await commitFiles(work, { 'mine.py': '' }, 'mine')
    await commitFiles(other, { 'theirs.py': '' }, 'theirs')

    const outcomes = await Promise.all([
      runClient(work, ['push', url, 'HEAD:main']),
      runClient(other, ['push', server.url('race', 'write-bo'), 'HEAD:main']),
    ])

    expect(outcomes.filter((outcome) => outcome.code === 0)).toHaveLength(1)
    expect(await updatesOf('race')).toHaveLength(2)
    await expect.poll(() => readdir(join(server.dataFolder, 'pushes'))).toEqual([])
  })
})

/** A line of git's protocol: its length, itself included, in four hexadecimal digits. */
function packet(text: string): string {
  return (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text
}
