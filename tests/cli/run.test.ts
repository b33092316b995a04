import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, realpath, rm, symlink, writeFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isSameProcess, listProcesses, readProcess } from '../../src/lib/processes.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { EVALUATION, heldOut, tinyProject } from '../harness/tiny-project.ts'
import { git } from '../source/git-place.ts'
import { openCommandPlace, outcomeOf, writeFiles, type CommandPlace } from './command.ts'

let place: CommandPlace

beforeAll(async () => {
  place = await openCommandPlace()
})
afterAll(() => place[Symbol.asyncDispose]())

interface Result {
  readonly state: string
  readonly reason: string | null
  readonly problems: readonly { readonly message: string }[]
  readonly steps: readonly { step: string; state: string; cache: string | null; why: string | null }[]
}

const TWO_STEPS = `version: 1
steps:
  prepare: { run: "tr a-z A-Z < words.txt > rows.txt", deps: [words.txt], outs: [rows.txt] }
  train: { run: "sort -r rows.txt > model.txt", deps: [rows.txt], outs: [model.txt] }
`

async function runJson(folder: string, ...args: string[]): Promise<Result> {
  const { stdout, stderr } = await place.tidegate(folder, ['--json', 'run', ...args])
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Result
}

const cacheOf = (result: Result) => Object.fromEntries(result.steps.map(({ step, cache }) => [step, cache]))

test('what is in the working folder runs, changes that nobody committed too, and what did not change is cached', async () => {
  const folder = await place.repository('words', { 'tidegate.yaml': TWO_STEPS, 'words.txt': 'b\na\n', 'other.txt': '' })

  const first = await runJson(folder)
  await writeFiles(folder, { 'other.txt': 'changed' })
  const second = await runJson(folder)
  await writeFiles(folder, { 'words.txt': 'c\n' })
  const third = await runJson(folder)

  expect(first.state).toBe('succeeded')
  expect(cacheOf(second)).toMatchObject({ environment: 'hit', prepare: 'hit', train: 'hit' })
  expect(cacheOf(third)).toMatchObject({ environment: 'hit', prepare: 'miss', train: 'miss' })
  expect(third.steps.find(({ step }) => step === 'prepare')?.why).toBe('deps: words.txt changed')
})

test('a run in which nothing changed imports nothing of analytics, statistics and the API, which would be half its time', async () => {
  const folder = await place.repository('light', { 'tidegate.yaml': TWO_STEPS, 'words.txt': 'y\n' })
  await runJson(folder)
  const noted = join(place.folder, 'imports.txt')
  const preloaded = { NODE_OPTIONS: `--import=${import.meta.resolve('./note-imports.ts')}`, NOTE_IMPORTS: noted }

  const { code } = await place.tidegate(folder, ['run'], preloaded)

  const imported = await readFile(noted, 'utf8')
  expect(code).toBe(0)
  expect(imported).toMatch(/\/src\/engine\/engine\.ts$/m)
  expect(imported.match(/^.*(@duckdb|\/src\/(api|client|monitoring\/monitor|statistics|serving)\/).*$/gm)).toBeNull()
})

test('the command runs from a place with blanks, signs and links in its name', async () => {
  const odd = join(place.folder, 'odd #1 %41 ö')
  await mkdir(odd)
  await symlink(fileURLToPath(new URL('../..', import.meta.url)), join(odd, 'tide gate'))
  const folder = await place.repository('linked', { 'tidegate.yaml': TWO_STEPS, 'words.txt': 'z\n' })
  const options = { cwd: folder, env: { ...process.env, TIDEGATE_DATA: place.data } }

  const preserved = ['--preserve-symlinks', '--preserve-symlinks-main']
  const args = [...preserved, join(odd, 'tide gate', 'bin', 'tidegate.js'), '--json', 'run']
  const { stdout } = await promisify(execFile)(process.execPath, args, options)

  expect((JSON.parse(stdout) as Result).state).toBe('succeeded')
})

test('a run keeps its state beside the data folder’s own, and registers nothing', async () => {
  const folder = await place.repository('own-state', { 'tidegate.yaml': TWO_STEPS, 'words.txt': 'x\n' })

  await runJson(folder)

  expect(existsSync(join(place.data, 'state.db'))).toBe(false)
  expect((await readdir(join(place.data, 'local'))).some((name) => name.endsWith('.db'))).toBe(true)
  expect(await readdir(join(place.data, 'store', 'sha256'))).not.toHaveLength(0)
})

test('a folder without git runs with what its .gitignore leaves, and with repositories that lie in it', async () => {
  const folder = join(place.folder, 'no-git')
  const command = "find . -type f ! -name seen ! -name tidegate.yaml | sort | tr '\\n' ' ' > seen"
  await writeFiles(folder, {
    'tidegate.yaml': `steps: { list: { run: "${command}", outs: [seen] } }\n`,
    'words.txt': 'a\n',
    '.gitignore': 'venv/\n*.key\n',
    'own.key': 'x',
    'venv/lib.py': '',
    'part/.gitignore': 'kept\n',
    'part/kept': '',
    'part/b.key': '',
    'cloned/c.txt': '',
    'cloned/.gitignore': 'd.txt\n',
    'cloned/d.txt': '',
  })
  await git(join(folder, 'cloned'), 'init', '--quiet')
  const outs = join(place.folder, 'no-git-made')

  await place.tidegate(folder, ['run', '--outs', outs])

  expect(await readFile(join(outs, 'seen'), 'utf8')).toBe(
    './.gitignore ./cloned/.gitignore ./cloned/c.txt ./part/.gitignore ./words.txt ',
  )
})

test('a commit that is checked out without a branch runs on none', async () => {
  const folder = await place.repository('detached', {
    'tidegate.yaml': 'steps: { show: { run: "echo on:$TIDEGATE_BRANCH: > seen", outs: [seen] } }\n',
  })
  await git(folder, 'checkout', '--quiet', '--detach')
  const outs = join(place.folder, 'detached-made')

  await place.tidegate(folder, ['run', '--outs', outs])

  expect(await readFile(join(outs, 'seen'), 'utf8')).toBe('on::\n')
})

test('a folder that is not there is said to be so, without a trace of our own', async () => {
  const { code, stderr } = await place.tidegate(place.folder, ['run', 'nowhere'])

  expect({ code, stderr }).toEqual({ code: 2, stderr: `${join(place.folder, 'nowhere')} cannot be read.\n` })
})

test('two runs of one folder take turns, and one that is cancelled while it waits leaves the other alone', async () => {
  const folder = await place.repository('turns', {
    'tidegate.yaml': 'version: 1\nsteps: { slow: { run: "sleep 2" } }\n',
  })
  const first = outcomeOf(place.start(folder, ['run']))
  await untilLocked(folder)
  const impatient = place.start(folder, ['run'])
  const waiting = outcomeOf(impatient)
  impatient.stdout.once('data', () => impatient.kill('SIGINT'))

  const outcomes = [await waiting, await outcomeOf(place.start(folder, ['run'])), await first]

  expect(outcomes[0]?.stdout).toContain('waiting for its end')
  expect(outcomes.map(({ code }) => code)).toEqual([1, 0, 0])
})

/** Until a run of this folder has begun. */
async function untilLocked(folder: string): Promise<void> {
  const name = sha256(await realpath(folder))
    .replace('sha256:', '')
    .slice(0, 20)
  while (!existsSync(join(place.data, 'local', `${name}.db`))) await sleep(20)
}

test('one step is run with what it reads, and nothing else', async () => {
  const folder = await place.repository('one-step', {
    'tidegate.yaml': `${TWO_STEPS}  other: { run: "false", deps: [words.txt] }\n`,
    'words.txt': 'b\n',
  })

  const result = await runJson(folder, '--step', 'train')

  expect(result.state).toBe('succeeded')
  expect(result.steps.map(({ step }) => step)).toEqual(expect.arrayContaining(['prepare', 'train']))
  expect(result.steps.map(({ step }) => step)).not.toContain('other')
})

test('what the steps have made is put where one asks, from the cache too, and never over the files that run', async () => {
  const folder = await place.repository('outs', { 'tidegate.yaml': TWO_STEPS, 'words.txt': 'b\na\n' })
  const outs = join(place.folder, 'made')

  const inTheWay = await place.tidegate(folder, ['run', '--outs', '.'])
  const noFolder = await place.tidegate(folder, ['run', '--outs', '/dev/null/made'])
  const first = await place.tidegate(folder, ['run', '--outs', outs])
  await rm(join(outs, 'rows.txt'))
  const second = await place.tidegate(folder, ['run', '--outs', outs])

  expect(inTheWay).toMatchObject({ code: 2, stdout: '' })
  expect(inTheWay.stderr).toContain('holds the files that run')
  expect(noFolder).toMatchObject({ code: 2, stdout: '' })
  expect(noFolder.stderr).toContain('--outs: /dev/null/made is no folder that can be written: ENOTDIR')
  expect(first.stdout).toContain('Written: model.txt, rows.txt\n')
  expect(second.stdout).toContain('Written: model.txt, rows.txt\n')
  expect(await readFile(join(outs, 'rows.txt'), 'utf8')).toBe('B\nA\n')
  expect(await readFile(join(outs, 'model.txt'), 'utf8')).toBe('B\nA\n')
  expect(existsSync(join(folder, 'model.txt'))).toBe(false)
})

test('a folder that a step has made is put there as a whole', async () => {
  const folder = await place.repository('folders', {
    'tidegate.yaml': 'steps: { train: { run: "mkdir -p out/deep && echo x > out/deep/a", outs: [out/], deps: [b] } }\n',
    b: '',
  })
  const outs = join(place.folder, 'folders-made')

  const { stdout, stderr } = await place.tidegate(folder, ['run', '--outs', outs])

  expect(stderr).toBe('')
  expect(stdout).toContain('Written: out/\n')
  expect(await readFile(join(outs, 'out/deep/a'), 'utf8')).toBe('x\n')
})

test('a program that a step has made is one for the next step too, and where it is put', async () => {
  const folder = await place.repository('programs', {
    'tidegate.yaml': `steps:
  build: { run: "printf '#!/bin/sh\\necho made > by-tool' > tool && chmod +x tool", outs: [tool] }
  use: { run: ./tool, deps: [tool], outs: [by-tool] }
`,
  })
  const outs = join(place.folder, 'programs-made')

  const { stdout } = await place.tidegate(folder, ['run', '--outs', outs])

  expect(stdout).toContain('Written: by-tool, tool\n')
  expect((await stat(join(outs, 'tool'))).mode & 0o111).toBe(0o111)
  expect((await stat(join(outs, 'by-tool'))).mode & 0o111).toBe(0)
})

test('a step without deps finds what was made before it, whatever stands between', async () => {
  const folder = await place.repository('between', {
    'tidegate.yaml': `steps:
  a: { run: echo made > a.out, deps: [words.txt], outs: [a.out] }
  c: { run: test -f a.out, deps: [a.out] }
  d: { run: cat a.out, needs: [c] }
`,
    'words.txt': 'a\n',
  })

  const whole = await place.tidegate(folder, ['run'])
  const alone = await place.tidegate(folder, ['run', '--step', 'd'])

  expect(whole).toMatchObject({ code: 0, stderr: '' })
  expect(alone).toMatchObject({ code: 0, stderr: '' })
})

test('a folder that a step left empty is there for its reader', async () => {
  const folder = await place.repository('empty', {
    'tidegate.yaml': `steps:
  make: { run: mkdir rejected, outs: [rejected/] }
  read: { run: test -d rejected, deps: [rejected/] }
  all: { run: test -d rejected, needs: [read] }
`,
  })

  expect(await place.tidegate(folder, ['run'])).toMatchObject({ code: 0, stderr: '' })
})

test('a failing step shows what it printed, a failing test its name, message and lines', async () => {
  const junit = `<testsuite name="s"><testcase classname="tests.test_sum" name="test_adds">
    <failure message="assert 3 == 4">def test_adds():\n&gt;   assert 1 + 2 == 4</failure></testcase></testsuite>`
  const folder = await place.repository('failing', {
    'tidegate.yaml': `version: 1
steps:
  unit: { stage: unit-tests, run: "cp junit.xml report.xml; false", reports: { junit: report.xml } }
  check: { stage: unit-tests, run: "echo the disk is on fire; exit 3" }
`,
    'junit.xml': junit,
  })

  const { code, stdout } = await place.tidegate(folder, ['run'])

  expect(code).toBe(1)
  expect(stdout).toContain('test_adds: assert 3 == 4')
  expect(stdout).toContain('assert 1 + 2 == 4')
  expect(stdout).toContain('| the disk is on fire')
  expect(stdout).toMatch(/^failed: /m)
})

test('a pipeline file with problems is not run', async () => {
  const folder = await place.repository('invalid', { 'tidegate.yaml': 'steps: { train: { rum: x } }\n' })

  const { code, stdout } = await place.tidegate(folder, ['run'])

  expect(code).toBe(2)
  expect(stdout).toContain('tidegate.yaml:1:')
  expect(stdout).toContain('nothing was run')
})

test('secrets come from the person’s own environment, and nothing else of it does', async () => {
  const folder = await place.repository('secrets', {
    'tidegate.yaml':
      'version: 1\nsteps:\n  s: { run: \'printf "%s" "$LAKE_KEY" > key.txt; test -z "${OTHER:-}"\', secrets: [LAKE_KEY], deps: [tidegate.yaml], outs: [key.txt] }\n',
  })

  const missing = await place.tidegate(folder, ['run'])
  const given = await place.tidegate(folder, ['run'], { LAKE_KEY: 'sesame', OTHER: 'x' })

  expect(missing.code).toBe(1)
  expect(missing.stdout).toContain('export LAKE_KEY=')
  expect(missing.stdout).not.toMatch(/^ +(log|files):/m)
  expect(given.code).toBe(0)
})

const SERVED = `model: { path: model.onnx }
${EVALUATION}gates: [{ metric: accuracy, min: 0.9 }, { metric: latency-p95, max: 20s }]
steps:
  train: { run: cp models/one.onnx model.onnx, deps: [models/one.onnx], outs: [model.onnx] }
  contract: { stage: integration-tests, endpoint: candidate, run: python contract.py }
`

const CONTRACT = `import json, os, urllib.request
request = urllib.request.Request(
    os.environ["TIDEGATE_ENDPOINT"] + "/infer",
    json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [0, 0, 3, 3]}]}).encode(),
    {"content-type": "application/json", "authorization": "Bearer " + os.environ["TIDEGATE_ENDPOINT_TOKEN"]},
)
answer = json.load(urllib.request.urlopen(request))
assert answer["outputs"][0]["data"] == [1], answer
`

test('the candidate is served to steps that ask for it, judged by its gates, and nothing serves afterwards', async () => {
  const files = tinyProject({ pipeline: SERVED, files: { 'contract.py': CONTRACT } })
  const folder = await place.repository('candidate', files)

  const good = await place.tidegate(folder, ['run'])
  await writeFiles(folder, { 'rows.csv': heldOut(60, 30) })
  const bad = await place.tidegate(folder, ['run'])

  expect(good.stdout).toMatch(/contract +succeeded/)
  expect(good.stdout).toMatch(/gate pass: accuracy: accuracy 1\.000/)
  expect(good.stdout).toMatch(
    /gate pass: latency-p95: latency p95 [\d.]+ ms at the candidate's own endpoint behind the/,
  )
  expect(good.code).toBe(0)
  expect(bad.stdout).toMatch(/gate fail: accuracy: accuracy 0\.500/)
  expect(bad.code).toBe(1)
  expect(good.stdout).not.toContain('registration')
  expect(gatewaysBelow(place.data)).toEqual([])
})

function gatewaysBelow(folder: string): string[] {
  const commands = listProcesses().map(({ pid }) => commandLine(pid))
  return commands.filter((command) => command.includes('gateway') && command.includes(folder))
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    // It has ended since it was listed.
    return ''
  }
}

const SLEEPER = `version: 1
steps:
  sleeper: { run: "trap '' INT; echo $$ > PIDFILE; while true; do sleep 1; done" }
`

async function startSleeper(name: string) {
  const pidFile = join(place.folder, `${name}.pid`)
  const folder = await place.repository(name, { 'tidegate.yaml': SLEEPER.replace('PIDFILE', pidFile) })
  const command = place.start(folder, ['run'])
  const outcome = outcomeOf(command)
  return { folder, command, outcome, sleeper: await identityOf(pidFile) }
}

async function identityOf(pidFile: string) {
  for (;;) {
    const pid = Number(existsSync(pidFile) ? await readFile(pidFile, 'utf8') : '')
    const row = pid > 0 ? readProcess(pid) : undefined
    if (row !== undefined) return { pid, startTicks: row.startTicks }
    await sleep(20)
  }
}

test('Ctrl-C ends the run, and its commands are dead when it returns', async () => {
  const { command, outcome, sleeper } = await startSleeper('cancelled')

  command.kill('SIGINT')
  const { code, stdout } = await outcome

  expect(code).toBe(1)
  expect(stdout).toContain('cancelled by you')
  expect(isSameProcess(sleeper)).toBe(false)
})

test('what a killed run left is ended by the next one', async () => {
  const { folder, command, outcome, sleeper } = await startSleeper('killed')
  command.kill('SIGKILL')
  await outcome
  expect(isSameProcess(sleeper)).toBe(true)
  await writeFile(join(folder, 'tidegate.yaml'), 'version: 1\nsteps: { quick: { run: "true" } }\n')

  const { code } = await place.tidegate(folder, ['run'])

  expect(code).toBe(0)
  expect(isSameProcess(sleeper)).toBe(false)
})

test('outputs that were cleaned away are made again', async () => {
  const folder = await place.repository('cleaned', { 'tidegate.yaml': TWO_STEPS, 'words.txt': 'a\nb\n' })
  const data = join(place.folder, 'cleaned-data')
  await runJson(folder, '--data', data)
  await rm(join(data, 'store', 'sha256'), { recursive: true, force: true })

  const again = await runJson(folder, '--data', data)

  expect(again.state).toBe('succeeded')
  expect(cacheOf(again)).toMatchObject({ prepare: 'miss', train: 'miss' })
})
