import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { commitFiles, git, makeWork } from '../tests/source/git-place.ts'
import { peerPrograms } from './peers.ts'

const run = promisify(execFile)

/** Gives up on a first output after so long. */
const PATIENCE_MS = 120_000

/** A Buildbot with one worker on this machine, and a repository whose hook tells it of each push. */
export interface Buildbot extends AsyncDisposable {
  /** Milliseconds from the push to the moment at which its command runs. */
  push(): Promise<number>
}

/** Undefined where it cannot be had. */
export async function startBuildbot(folder: string): Promise<Buildbot | undefined> {
  const programs = await peerPrograms('buildbot')
  if (programs === undefined) return undefined
  await using stack = new AsyncDisposableStack()
  const ports = { worker: await freePort(), web: await freePort() }
  const stamp = join(folder, 'stamp')
  const repository = join(folder, 'repository.git')
  await git(folder, 'init', '--quiet', '--bare', '--initial-branch=main', repository)
  const work = await makeWork(folder, 'buildbot-work', { 'note.txt': 'first' })

  const start = async (program: string, ...args: string[]) => run(join(programs, program), args, { cwd: folder })
  await start('buildbot', 'create-master', '--quiet', 'master')
  await writeFile(join(folder, 'master', 'master.cfg'), masterConfig(repository, stamp, ports))
  await start('buildbot', 'start', '--quiet', 'master')
  stack.defer(async () => void (await start('buildbot', 'stop', 'master')))
  await start('buildbot-worker', 'create-worker', '--quiet', 'worker', `127.0.0.1:${ports.worker}`, 'one', 'pass')
  await start('buildbot-worker', 'start', 'worker')
  stack.defer(async () => void (await start('buildbot-worker', 'stop', 'worker')))
  const hook = join(repository, 'hooks', 'post-receive')
  await writeFile(hook, hookScript(repository, ports.web))
  await chmod(hook, 0o755)

  const owned = stack.move()
  return {
    async push() {
      await rm(stamp, { force: true })
      await commitFiles(work, { 'note.txt': String(performance.now()) }, 'a change')
      const startedAt = Date.now()
      await git(work, 'push', '--quiet', repository, 'HEAD:main')
      return (await untilStamp(stamp)) - startedAt
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function masterConfig(repository: string, stamp: string, ports: { worker: number; web: number }): string {
  const command = `echo first; date +%s%3N > ${stamp}.new; mv ${stamp}.new ${stamp}`
  return `
from buildbot.plugins import schedulers, steps, util, worker

factory = util.BuildFactory([
    steps.Git(repourl=${JSON.stringify(repository)}, mode="full", method="clobber", shallow=True),
    steps.ShellCommand(command=["sh", "-c", ${JSON.stringify(command)}]),
])
BuildmasterConfig = {
    "workers": [worker.Worker("one", "pass")],
    "protocols": {"pb": {"port": "tcp:${ports.worker}:interface=127.0.0.1"}},
    "schedulers": [schedulers.AnyBranchScheduler(name="all", treeStableTimer=None, builderNames=["first"])],
    "builders": [util.BuilderConfig(name="first", workernames=["one"], factory=factory)],
    "www": {"port": "tcp:${ports.web}:interface=127.0.0.1", "plugins": {}, "change_hook_dialects": {"base": True}},
    "buildbotNetUsageData": None,
    "db": {"db_url": "sqlite:///state.sqlite"},
}
`
}

function hookScript(repository: string, port: number): string {
  const fields = ['branch=main', 'author=ana', 'comments=change', 'project=bench', `repository=${repository}`]
  const data = fields.map((field) => `--data-urlencode '${field}'`).join(' ')
  return `#!/bin/sh
read old new ref
curl --silent --fail --output /dev/null --data-urlencode "revision=$new" ${data} http://127.0.0.1:${port}/change_hook/base
`
}

async function untilStamp(path: string): Promise<number> {
  for (const giveUpAt = Date.now() + PATIENCE_MS; Date.now() < giveUpAt; await sleep(5)) {
    const text = await readFile(path, 'utf8').catch(() => '')
    if (text !== '') return Number(text)
  }
  throw new Error('Buildbot did not run the command')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
