import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { openTestServer, type TestPerson, type TestProject, type TestServer } from '../harness/server.ts'
import { openCommandPlace, type CommandPlace, type Outcome } from './command.ts'

const PIPELINE = `steps:
  prepare: { run: echo preparing; echo ready > data.txt, deps: [], outs: [data.txt] }
  train: { run: "cat data.txt; echo trained > state.txt; echo $((6 * 7))", deps: [data.txt] }
  wait: { needs: [train], if: "branch == 'waits'", run: "echo waiting; sleep 600" }
  tidy: { needs: [wait], if: "branch == 'waits' and always()", run: echo tidied }
`

const SERVES = `steps:
  train:
    checkpoint: [state/]
    services: { clock: { run: "echo ticking; exec python3 -m http.server --bind 127.0.0.1 $PORT", ready: { http: / } } }
    run: |
      mkdir -p state; echo x >> state/epochs; cat state/epochs
      python3 -c "import os, socket; socket.create_connection(('127.0.0.1', int(os.environ['TIDEGATE_SERVICE_CLOCK_PORT'])))"
      [ "$(wc -l < state/epochs)" -ge 2 ]
`

/** What ends when the test has written a file; then a step that needs a second try. */
function tried(goFile: string): string {
  return `steps:
  hold: { run: "while [ ! -e ${goFile} ]; do sleep 0.05; done" }
  train:
    needs: [hold]
    retry: { on: [exit], limit: 1 }
    run: "[ $TIDEGATE_ATTEMPT = tries#1/train/2 ] || { echo first try; exit 1; }; sleep 1; echo second try"
  deploy: { needs: [train], if: "branch == 'other'", run: echo deploying }
`
}

let place: TestServer
let shell: CommandPlace
let ana: TestPerson
let project: TestProject

beforeAll(async () => {
  place = await openTestServer('sqlite')
  shell = await openCommandPlace()
  ana = await place.person('ana')
  project = await place.project('runs', { 'tidegate.yaml': PIPELINE })
  await project.push(ana)
})

afterAll(async () => {
  await shell[Symbol.asyncDispose]()
  await place[Symbol.asyncDispose]()
})

function tidegate(...args: string[]): Promise<Outcome> {
  return shell.tidegate(shell.folder, args, { TIDEGATE_SERVER: place.server.address, TIDEGATE_TOKEN: ana.token })
}

test('a rerun from a step for debugging says where to look, in its answer, in `show` and in the log', async () => {
  const asked = await tidegate('rerun', 'runs/1', '--from', 'train', '--debug')
  const { steps } = await project.ended(2)
  const shown = await tidegate('show', 'runs/2')

  expect(asked.stdout).toContain('`tidegate show runs#2`')
  const train = steps.find(({ key }) => key === 'train')
  expect(steps.find(({ key }) => key === 'prepare')?.why).toBe('taken over from runs#1')
  expect(train).toMatchObject({ state: 'succeeded', attempt: 1, cache: 'off' })
  expect(existsSync(`${train?.debug?.folder}/state.txt`)).toBe(true)
  expect(shown.stdout).toContain(train?.debug?.environment)
  expect(await project.log(2, 'train')).toContain(`. ${train?.debug?.environment}`)
})

test('a rerun cannot be of what failed and from a step at once', async () => {
  const asked = await tidegate('rerun', 'runs/1', '--from', 'train', '--failed')

  expect(asked.code).not.toBe(0)
  expect(asked.stderr).toContain(`'--failed'`)
})

test('a cancel that runs always() steps says who asked and how, and those steps run', async () => {
  const pushed = project.push(ana, 'main:waits')
  const waiting = await untilRunning('wait')

  const asked = await tidegate('cancel', `runs/${waiting}`, '--run-always')
  const run = await project.ended(waiting)
  await pushed

  expect(asked.stdout).toContain('cancelled by ana, but for steps with always().')
  expect(run).toMatchObject({ state: 'cancelled', cancelMode: 'now-run-always' })
  expect(Object.fromEntries(run.steps.map(({ key, state }) => [key, state]))).toMatchObject({
    train: 'succeeded',
    wait: 'cancelled',
    tidy: 'succeeded',
  })
})

test('a log is shown with the time of each line, raw, and searched in every step', async () => {
  const timed = await tidegate('logs', 'runs/1', 'train', '--timestamps')
  const raw = await tidegate('logs', 'runs/1', 'train', '--raw')
  const found = await tidegate('logs', 'runs/1', '--grep', '^(preparing|4.)$', '-C', '1')
  const nothing = await tidegate('logs', 'runs/1', 'train', '--grep', 'nan')
  const followed = await tidegate('logs', 'runs/1', 'train', '-f', '-t')

  expect(raw.stdout).toBe('ready\n42\n')
  expect(timed.stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {2}ready\n\d.* {2}42\n$/)
  expect(followed.stdout).toBe(timed.stdout)
  expect(found.stdout).toBe('prepare:1:preparing\ntrain:1-ready\ntrain:2:42\n')
  expect(found.code).toBe(0)
  expect(nothing).toMatchObject({ code: 1, stdout: '' })
})

test('a follower waits for a step to begin, goes on into its next attempt, and ends with the step', async () => {
  const goFile = join(tmpdir(), `tidegate-go-${randomUUID()}`)
  const tries = await place.project('tries', { 'tidegate.yaml': tried(goFile) })
  const pushed = tries.push(ana)
  while ((await tries.runs()).length === 0) await sleep(20)
  const waits = async () => (await tries.run(1)).steps.some(({ key, why }) => key === 'train' && why !== null)
  while (!(await waits())) await sleep(20)
  const following = tidegate('logs', 'tries/1', 'train', '-f')
  const early = await tidegate('logs', 'tries/1', 'train')
  await sleep(1_000)
  await writeFile(goFile, '')
  const followed = await following
  const [again, skipped] = await Promise.all([
    tidegate('logs', 'tries/1', '--attempt', '1', 'train', '-f'),
    tidegate('logs', 'tries/1', 'deploy', '-f'),
  ])
  await pushed
  await rm(goFile)

  expect(early).toMatchObject({ code: 2, stdout: '' })
  expect(early.stderr).toMatch(/^Step train of tries#1 has no log: it has not begun \(waits for hold.*\)\.\n$/)
  expect(followed.stderr).toMatch(/^train has not begun: waits for hold.*\n$/)
  expect(followed.stdout).toMatch(/^first try\n[^]*\n\[tidegate\] attempt 2\n[^]*second try\n$/)
  expect(followed.code).toBe(0)
  expect(again.stdout).not.toContain('second try')
  expect(skipped).toMatchObject({ code: 2, stdout: '' })
  expect(skipped.stderr).toMatch(/^Step deploy of tries#1 has no log: it was skipped before it began \(/)
})

test('a follower of a step that came from the cache is told so', async () => {
  await project.commit({ 'notes.md': 'another commit\n' })
  await project.push(ana)
  const number = Math.max(...(await project.runs()).map((run) => run.number))

  const asked = await tidegate('logs', `runs/${number}`, 'train', '-f')

  expect(asked).toMatchObject({ code: 2, stdout: '' })
  expect(asked.stderr).toContain('has no log: its outputs came from the cache')
})

test('who asks for the log of a step that was refused is told why there is none', async () => {
  const refused = await place.project('refused', {
    'tidegate.yaml': 'steps: { train: { run: echo, secrets: [KEY] } }\n',
  })
  await refused.push(ana)

  const asked = await tidegate('logs', 'refused/1')
  const others = await Promise.all([
    tidegate('logs', 'refused/1', 'train', '-f'),
    tidegate('logs', 'refused/1', 'train', '--json'),
    tidegate('logs', 'refused/1', 'train', '--raw', '--attempt', '1'),
    tidegate('logs', 'refused/1', 'train', '--grep', '.'),
  ])

  expect(asked).toMatchObject({ code: 2, stdout: '' })
  expect(asked.stderr).toMatch(
    /^Step train of refused#1 has no log: attempt 1 failed before it began \(Project "refused" has no secret KEY\..*\)\.\n$/,
  )
  for (const other of others) expect(other).toMatchObject({ code: 2, stdout: '', stderr: asked.stderr })
})

test('with --json a log is an object for each line, shown, followed or searched', async () => {
  const lines = (outcome: Outcome) =>
    outcome.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
  const asked = (...args: string[]) => tidegate('--json', 'logs', 'runs/1', ...args)

  const [shown, followed, found, raw] = await Promise.all([
    asked('train'),
    asked('train', '-f'),
    asked('--grep', '42|preparing'),
    asked('train', '--raw'),
  ])

  const train = { step: 'train', attempt: 1, at: expect.any(Number) }
  expect(lines(shown)).toEqual([
    { ...train, offset: 0, text: 'ready' },
    { ...train, offset: 6, text: '42' },
  ])
  expect(followed.stdout).toBe(shown.stdout)
  expect(lines(found)).toEqual([
    { ...train, step: 'prepare', line: 1, offset: 0, text: 'preparing', isMatch: true },
    { ...train, line: 2, offset: 6, text: '42', isMatch: true },
  ])
  expect(raw).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Leave one out.') })
})

test('a search of all steps goes on past a log that is not kept any more, and says so', async () => {
  const old = await place.project('old', {
    'tidegate.yaml': 'steps:\n  first: { run: echo needle one }\n  second: { run: echo needle two }\n',
  })
  await old.push(ana)
  await rm(join(place.dataFolder, 'attempts/old/1/first'), { recursive: true })

  const all = await tidegate('logs', 'old/1', '--grep', 'needle')
  const one = await tidegate('logs', 'old/1', 'first', '--grep', 'needle')

  expect(all).toMatchObject({ code: 0, stdout: expect.stringContaining('second:1:needle two\n') })
  expect(all.stderr).toMatch(/^The log of old#1\/first\/1 \(11 bytes\) is not kept any more.*\n$/)
  expect(one).toMatchObject({ code: 2, stdout: '', stderr: all.stderr })
})

test('what was cleaned up of a run is not listed, and refused in words when it is asked for', async () => {
  const run = 'echo alone > a.txt; mkdir d; echo inside > d/b.txt; echo beside > d/c.txt; echo kept > k.txt'
  const wrote = await place.project('wrote', {
    'tidegate.yaml': `steps:\n  write: { run: ${run}, deps: [], outs: [a.txt, d/, k.txt] }\n`,
  })
  await wrote.push(ana)
  await using store = await openFolderStore(join(place.dataFolder, 'store'))
  for (const text of ['alone\n', 'inside\n']) await rm(store.localPath(sha256(text)))

  const list = await tidegate('artifact', 'list', 'wrote/1')
  const [alone, inside, folder, kept] = await Promise.all(
    ['a.txt', 'd/b.txt', 'd', 'k.txt'].map((path) => tidegate('artifact', 'get', 'wrote/1', path, '-o', '-')),
  )

  expect(list.stdout).not.toContain('a.txt')
  const why =
    'of wrote#1 cannot be fetched: its outputs have been cleaned up. `tidegate rerun wrote#1` makes it again.\n'
  expect(alone).toEqual({ code: 2, stdout: '', stderr: `a.txt ${why}` })
  expect(inside).toEqual({ code: 2, stdout: '', stderr: `d/b.txt ${why}` })
  expect(folder).toEqual({ code: 2, stdout: '', stderr: `d ${why}` })
  expect(kept?.stdout).toBe('kept\n')
})

test('an artifact that cannot be put where it is wanted is refused by naming the folder', async () => {
  const kept = await place.project('kept', {
    'tidegate.yaml': 'steps:\n  write: { run: echo kept > k.txt, deps: [], outs: [k.txt] }\n',
  })
  await kept.push(ana)
  await mkdir(join(shell.folder, 'there'))
  const get = (output: string) => tidegate('artifact', 'get', 'kept/1', 'k.txt', '--output', output)

  const [missing, within, folder, written] = [
    await get('missing/k.txt'),
    await get('missing/'),
    await get('there'),
    await get('there/k.txt'),
  ]

  const other = 'Make it, or name another with --output.\n'
  const stderr = `missing/k.txt cannot be written: there is no folder missing. ${other}`
  expect(missing).toEqual({ code: 2, stdout: '', stderr })
  expect(within.stderr).toBe(`missing/ cannot be written: there is no folder missing/. ${other}`)
  expect(folder.stderr).toBe('there is a folder. Name the file in it, too, with --output.\n')
  expect(written.stdout).toBe('there/k.txt\n')
  expect(await readdir(shell.folder)).not.toContainEqual(expect.stringContaining('.part'))
})

test.each(['', 'nonsense', '127.0.0.1:7070'])('%j is no address of a server, and is said to be so', async (server) => {
  const asked = await shell.tidegate(shell.folder, ['runs', 'runs'], { TIDEGATE_SERVER: server, TIDEGATE_TOKEN: 'x' })

  expect(asked).toMatchObject({ code: 2, stdout: '' })
  expect(asked.stderr).toBe(
    `"${server}" is no address of a server: write it as http://127.0.0.1:7070, after --server or in TIDEGATE_SERVER.\n`,
  )
})

test.each([
  [['runs', 'x', '-n', 'abc'], "argument 'abc' is invalid. Write a whole number from 1 to 200."],
  [['runs', 'x', '-n', '1000'], "argument '1000' is invalid. Write a whole number from 1 to 200."],
  [['logs', 'x/1', 'train', '--attempt', '0'], "argument '0' is invalid. Write a whole number of at least 1."],
  [
    ['logs', 'x/1', 'train', '--grep', 'loss', '-C', '-1'],
    "argument '-1' is invalid. Write a whole number from 0 to 100.",
  ],
  [
    ['logs', 'x/1', 'train', '-i'],
    '--context and --ignore-case belong to a search: name what to look for with --grep.',
  ],
  [['logs', 'x/1', 'train', '--grep', 'loss', '-f'], 'follow the log: `tidegate logs -f … | grep …`.'],
  [['logs', 'x/1', 'train', '--grep', 'loss', '--raw'], '--grep prints lines, and --raw the bytes as they are.'],
])('%j is refused in words of the command line', async (args, said) => {
  const refused = await tidegate(...args)

  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain(said)
})

test.each([
  [['nonsense'], "unknown command 'nonsense'"],
  [['logs', 'runs/1', 'train', '--grep', '42', '--nonsense'], "unknown option '--nonsense'"],
  [['logs'], "missing required argument 'run'"],
])('what is no command is not mistaken for one whose answer is no: %j', async (args, said) => {
  const refused = await tidegate(...args)

  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain(said)
})

test('the log of a step that a run does not have names those it has', async () => {
  const seeds = await place.project('seeds', {
    'tidegate.yaml': 'steps:\n  fit: { run: "echo ${{ matrix.seed }}", matrix: { seed: [0, 1] }, cache: false }\n',
  })
  await seeds.push(ana)
  await seeds.run(1)

  const wrong = await tidegate('logs', 'seeds/1', 'fitt')
  const matrix = await tidegate('logs', 'seeds/1', 'fit')
  const noRun = await tidegate('logs', 'seeds/7', 'fit')

  expect(wrong.stderr).toBe('seeds#1: fitt is none of its steps, which are: environment, sources, fit (0), fit (1).\n')
  expect(matrix.stderr).toBe('seeds#1: fit is a matrix; its members are: fit (0), fit (1).\n')
  expect(noRun.stderr).toBe('There is no run seeds#7.\n')
})

test('of a run with a broken pipeline file, `start` and `logs` say what is wrong', async () => {
  const broken = await place.project('broken', { 'tidegate.yaml': 'steps:\n  fit: { run: echo x, dep: [x] }\n' })
  await broken.push(ana)

  const started = await tidegate('start', 'broken')
  const logs = await tidegate('logs', 'broken/2', 'fit')
  const whole = await tidegate('logs', 'broken/2')

  expect(started.code).toBe(1)
  expect(started.stdout).toMatch(
    /^broken#2 is invalid, and nothing of it is run:\ntidegate.yaml:2:\d+: steps.fit.dep: /,
  )
  for (const { stderr } of [logs, whole])
    expect(stderr).toMatch(/^broken#2 is invalid, so nothing of it was run: tidegate.yaml:2:\d+: .*dep/)
})

test('a step that failed goes on from its checkpoint in a rerun, beside a service with a log of its own', async () => {
  const serves = await place.project('serves', { 'tidegate.yaml': SERVES })
  await serves.push(ana)
  const first = await serves.run(1)
  await tidegate('rerun', 'serves/1', '--failed')
  const second = await serves.ended(2)
  const service = await tidegate('logs', 'serves/1', 'train', '--service', 'clock')
  const other = await tidegate('logs', 'serves/1', 'train', '--service', 'other')

  expect([first.state, second.state]).toEqual(['failed', 'succeeded'])
  expect(await serves.log(1, 'train')).toContain('service clock: its last lines\n[tidegate]   ticking')
  expect(await serves.log(2, 'train')).toContain('goes on from state/epochs of the attempt before')
  expect(service.stdout).toMatch(/^ticking\n/)
  expect(other.stderr).toContain('has no log of a service other')
})

async function untilRunning(step: string): Promise<number> {
  for (;;) {
    for (const { number } of await project.runs()) {
      const { steps } = await project.run(number)
      if (steps.some(({ key, state, startedAt }) => key === step && state === 'running' && startedAt !== null))
        return number
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
