import { existsSync, readFileSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cancelRun } from '../../src/api/runs.ts'
import type { SupervisorClaim } from '../../src/core/attempt-files.ts'
import { hasInEnvironment, isSameProcess, listProcesses } from '../../src/lib/processes.ts'
import { DATABASES } from '../harness/databases.ts'
import { startTestServerProcess, type TestServerProcess } from '../harness/server-process.ts'
import type { TestPerson } from '../harness/server.ts'
import { deliveredProject, tellStory, until, type Story } from '../stages/delivery-story.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServerProcess
  let ana: TestPerson

  beforeAll(async () => {
    place = await startTestServerProcess(kind, 'steps: { log-limit: 1MiB }\n')
    ana = await place.person('ana')
  })

  afterAll(() => place[Symbol.asyncDispose]())

  function attemptFolder(project: string, step: string): string {
    return join(place.dataFolder, 'attempts', project, '1', step, '1')
  }

  test('training goes on while its server is killed with -9: the same process, every line once, and the run succeeds', async () => {
    const project = await place.project('trained', {
      'train.py': TRAIN,
      'tidegate.yaml': `steps:
  train: { run: python train.py, outs: [model.txt] }
  report: { run: cat model.txt, needs: [train] }
`,
    })
    await project.push(ana, '--push-option=detach')
    const folder = attemptFolder('trained', 'train')
    const linesOf = () => (existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8').split('\n') : [])
    const untilLines = (count: number) =>
      until(`${count} lines`, async () => ({ found: linesOf().length > count || undefined, seen: linesOf().length }))
    await untilLines(5)
    const before = await readClaim(folder)

    await place.kill()
    const atDeath = linesOf().length
    await untilLines(atDeath + 5)
    await place.start()
    await untilLines(linesOf().length + 5)
    const after = await readClaim(folder)
    const isAlive = isSameProcess(after.command!)
    await writeFile(join(place.dataFolder, 'workspaces/trained/1/train/1/enough'), '')

    const run = await project.ended(1)
    expect(after).toEqual(before)
    expect(isAlive).toBe(true)
    expect(run.state).toBe('succeeded')
    expect(run.steps.map(({ key, state, attempt }) => [key, state, attempt])).toEqual(
      ['environment', 'sources', 'train', 'report'].map((key) => [key, 'succeeded', 1]),
    )
    const log = await project.log(1, 'train')
    const rounds = Number(/rounds (\d+)\n$/.exec(log)?.[1])
    expect(rounds).toBeGreaterThan(10)
    expect(log).toBe(
      [
        `process ${before.command!.pid}`,
        ...Array.from({ length: rounds }, (_, round) => `round ${round}`),
        `rounds ${rounds}`,
        '',
      ].join('\n'),
    )
    expect(await project.log(1, 'report')).toBe(`made by ${before.command!.pid}\n`)
  })

  test('a server killed with -9 between the move of a branch and the row of its run makes exactly one run of it', async () => {
    const project = await place.project('between', { 'tidegate.yaml': 'steps: { hello: { run: echo hello } }\n' })
    // git runs it when refs have moved, and before the server is told.
    const hook = join(place.dataFolder, 'hooks', 'v3', 'post-receive')
    await writeFile(hook, `#!/bin/sh\nkill -9 ${place.pid}\n`)
    await chmod(hook, 0o755)

    const push = await project.push(ana)
    await place.kill()
    await place.start()
    await until('the push to have become a run', async () => {
      const runs = await project.runs()
      return { found: runs[0], seen: runs }
    })

    const run = await project.ended(1)
    const again = await project.push(ana)
    expect(push.stderr).not.toContain('tidegate:')
    expect(run).toMatchObject({ state: 'succeeded', person: 'ana', branch: 'main' })
    expect(again.stderr).toContain('Everything up-to-date')
    expect(await project.runs()).toHaveLength(1)
  })

  test('a rollout goes on after its server is killed with -9, and no prediction notices', async () => {
    const environments = `  production: { approval: none, rollout: [{ weight: 50%, for: 2s }] }\n`
    const story = await tellStory(place, 'rolled', deliveredProject(environments))
    await story.push(ana)
    await story.approve(place.admin, await story.reaches(1, 'production', 'awaiting-approval'))
    await story.reaches(1, 'production', 'live')
    await story.push(ana)
    await story.reaches(2, 'production', 'rolling-out')
    const asked = new AbortController()
    const answers = askSteadily(story, asked.signal)

    await place.kill()
    const whileDown = await Promise.all(Array.from({ length: 20 }, () => story.infer('production', [[0, 5, 1, 2]])))
    await place.start()
    await story.reaches(2, 'production', 'live')
    await until('version 2 to answer all', async () => {
      const { version } = await story.infer('production', [[0, 5, 1, 2]])
      return { found: version === '2' || undefined, seen: version }
    })

    asked.abort()
    expect(new Set(whileDown.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(await answers)).toEqual(new Set([200]))
    expect((await story.deployments('production')).map(({ version, state }) => [version, state])).toEqual([
      [2, 'live'],
      [1, 'replaced'],
    ])
  })

  // What a process does with signals is not the database's.
  if (kind === 'sqlite') {
    test('a cancelled command that ignores TERM leaves no process, though the server is killed on the way', async () => {
      const project = await place.project('stubborn', {
        'stay.py': STAY,
        'tidegate.yaml': 'steps: { stay: { run: python stay.py } }\n',
      })
      await project.push(ana, '--push-option=detach')
      const folder = attemptFolder('stubborn', 'stay')
      await until('all to ignore TERM', async () => {
        const log = existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : ''
        return { found: log.includes('child') && log.includes('parent') ? log : undefined, seen: log }
      })
      const marked = () => listProcesses().filter(({ pid }) => hasInEnvironment(pid, 'TIDEGATE_MARK', folder))
      const living = marked().length

      await ana.client.call(cancelRun, { params: { project: 'stubborn', number: 1 }, body: {} })
      await place.kill()
      await place.start()
      const run = await project.ended(1)

      expect(living).toBeGreaterThanOrEqual(2)
      expect(marked()).toEqual([])
      expect(run).toMatchObject({ state: 'cancelled', reason: 'cancelled by ana' })
    })

    test('a step that fills its log keeps the beginning and the end, is told what is missing, and harms nobody', async () => {
      const project = await place.project('loud', {
        'tidegate.yaml': 'steps: { loud: { run: "echo first; yes | head -c 50000000; echo last; exit 3" } }\n',
      })

      await project.push(ana)

      const run = await project.run(1)
      const log = await project.log(1, 'loud')
      expect(run.steps.find(({ key }) => key === 'loud')).toMatchObject({ reason: 'exit', logBytes: log.length })
      expect(log.length).toBeLessThan(1_100_000)
      expect(log).toMatch(/^first\ny\n/)
      expect(log).toContain('[tidegate] log limit reached: of what follows only the end will be shown')
      expect(log).toMatch(/\[tidegate\] 4\d{7} bytes are missing here: the log was over its limit/)
      expect(log).toMatch(/y\nlast\n\[tidegate\] .*exit code 3/)
    })

    test('a second server on the same data folder is refused with what to do, and the first goes on', async () => {
      const { code, stderr } = await place.second()

      expect(code).not.toBe(0)
      expect(stderr).toContain(`Another tidegate (process ${place.pid}) uses ${place.dataFolder}. Stop it, or name`)
      expect(stderr).not.toContain('    at ')
      expect((await fetch(`${place.server.address}/api/v1/health`)).status).toBeLessThan(500)
    })
  }
})

async function readClaim(folder: string): Promise<SupervisorClaim> {
  return JSON.parse(await readFile(join(folder, 'claim.json'), 'utf8')) as SupervisorClaim
}

/** One request after the other until `signal` aborts; answers their statuses. */
async function askSteadily(story: Story, signal: AbortSignal): Promise<number[]> {
  const statuses: number[] = []
  while (!signal.aborted) statuses.push((await story.infer('production', [[0, 5, 1, 2]])).status)
  return statuses
}

const TRAIN = `import os, time
print("process", os.getppid(), flush=True)
rounds = 0
while not os.path.exists("enough"):
    print("round", rounds, flush=True)
    rounds += 1
    time.sleep(0.02)
print("rounds", rounds, flush=True)
open("model.txt", "w").write(f"made by {os.getppid()}\\n")
`

const STAY = `import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    print("child", flush=True)
else:
    print("parent", flush=True)
while True:
    time.sleep(1)
`
