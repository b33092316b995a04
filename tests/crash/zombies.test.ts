import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cancelRun, followLog } from '../../src/api/runs.ts'
import { ATTEMPT_FILES } from '../../src/core/attempt-files.ts'
import { listProcesses } from '../../src/lib/processes.ts'
import { startTestServerProcess, type TestServerProcess } from '../harness/server-process.ts'
import type { TestPerson, TestProject } from '../harness/server.ts'
import type { Files } from '../source/git-place.ts'
import { untilTrue } from './patience.ts'
import { readMark } from './read-mark.ts'
import { commandsOf, kill, supervisorsOf } from './victims.ts'

/** What other engines' users found after a restart, each as it happened to them. */
describe('after a restart', () => {
  let place: TestServerProcess
  let ana: TestPerson

  beforeAll(async () => {
    place = await startTestServerProcess('sqlite')
    ana = await place.person('ana')
  })

  afterAll(() => place[Symbol.asyncDispose]())

  const folderOf = (project: string) => join(place.dataFolder, 'attempts', project, '1/work/1')
  const markedOf = (project: string) => listProcesses().filter(({ pid }) => readMark(pid) === folderOf(project))
  const has = (project: string, file: keyof typeof ATTEMPT_FILES) =>
    existsSync(join(folderOf(project), ATTEMPT_FILES[file])) || undefined
  const says = (project: string, words: string) => {
    const log = join(folderOf(project), ATTEMPT_FILES.log)
    return (existsSync(log) && readFileSync(log, 'utf8').includes(words)) || undefined
  }

  /** Pushed, and its command has said that it is ready. */
  async function started(name: string, run: string, more: { keys?: string; files?: Files } = {}): Promise<TestProject> {
    const project = await place.project(name, {
      'run.py': run,
      'tidegate.yaml': `steps: { work: { run: python run.py${more.keys ?? ''} } }\n`,
    })
    await project.push(ana, '--push-option=detach')
    await untilTrue('the command to be ready', () => says(name, 'ready'))
    return project
  }

  test('a step that ended while no server was there is not executed again', async () => {
    const door = join(place.folder, 'door')
    const project = await started('unwatched', waiting(door))

    await place.kill()
    closeSync(openSync(door, 'w'))
    await untilTrue('its completion record', () => has('unwatched', 'done'))
    await place.start()
    const run = await project.ended(1)

    expect(run.state).toBe('succeeded')
    expect(run.steps.find(({ key }) => key === 'work')).toMatchObject({ attempt: 1 })
    expect((await project.log(1, 'work')).match(/ready/g)).toHaveLength(1)
  })

  test('a timeout goes on while no server is there, and does not begin anew with the next', async () => {
    const project = await started('late', waiting('/nowhere'), { keys: ', timeout: 5s' })

    await place.kill()
    await untilTrue('its completion record', () => has('late', 'done'))
    await place.start()
    const run = await project.ended(1)

    expect(run.steps.find(({ key }) => key === 'work')).toMatchObject({
      reason: 'timeout',
      message: 'It ran longer than its timeout of 5 s.',
    })
    expect(markedOf('late')).toEqual([])
  })

  test('a cancel whose supervisor is killed on the way leaves nothing of a tree that ignores TERM and hides', async () => {
    const project = await started('hidden', HIDING)
    const commands = commandsOf(place.dataFolder)
    const [supervisor] = supervisorsOf(commands)

    await ana.client.call(cancelRun, { params: { project: 'hidden', number: 1 }, body: {} })
    await untilTrue('the supervisor to be told', () => has('hidden', 'cancel'))
    kill(supervisor ?? 0)
    const run = await project.ended(1)

    expect(supervisor).toBeDefined()
    expect(new Set(commands.map(({ pid }) => pid)).size).toBeGreaterThanOrEqual(3)
    expect(run).toMatchObject({ state: 'cancelled' })
    expect(commands.filter(({ pid }) => readMark(pid) === folderOf('hidden'))).toEqual([])
  })

  test('a step that has closed its output, while a child holds on to it, ends when the step does', async () => {
    const project = await started('silent', SILENT)

    await place.kill()
    await place.start()
    const run = await project.ended(1)

    expect(run.state).toBe('succeeded')
    expect(markedOf('silent')).toEqual([])
  })

  test('whoever follows a log while its server is killed and comes back gets every byte once', async () => {
    const door = join(place.folder, 'followed-door')
    const project = await started('followed', counting(door))
    const pieces: string[] = []
    const following = (async () => {
      const params = { project: 'followed', number: 1, step: 'work' }
      for await (const { event, data } of ana.client.follow(followLog, { params, query: {} })) {
        if (event === 'log') pieces.push((data as { text: string }).text)
      }
    })()
    await untilTrue('the follower to have read', () => pieces.length > 2 || undefined)

    await place.kill()
    const seen = pieces.join('').length
    await place.start()
    await untilTrue('the follower to read on', () => pieces.join('').length > seen + 100 || undefined)
    closeSync(openSync(door, 'w'))
    await project.ended(1)
    await following

    expect(pieces.join('')).toBe(await project.log(1, 'work'))
  })
})

function waiting(door: string): string {
  return `import os, time
print("ready", flush=True)
while not os.path.exists(${JSON.stringify(door)}):
    time.sleep(0.02)
`
}

function counting(door: string): string {
  return `import os, time
print("ready", flush=True)
count = 0
while not os.path.exists(${JSON.stringify(door)}):
    print("line", count, flush=True)
    count += 1
    time.sleep(0.01)
`
}

/** Three of them: one is a leader of its own session, one lost its parent, all ignore TERM. */
const HIDING = `import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        time.sleep(10000)
    time.sleep(10000)
time.sleep(1)
print("ready", flush=True)
time.sleep(10000)
`

const SILENT = `import os, time
print("ready", flush=True)
if os.fork() == 0:
    time.sleep(10000)
os.close(1)
os.close(2)
time.sleep(4)
`
