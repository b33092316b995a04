import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCommandPlace, writeFiles, type CommandPlace } from './command.ts'

let place: CommandPlace

beforeAll(async () => {
  place = await openCommandPlace()
})
afterAll(() => place[Symbol.asyncDispose]())

const FILE = `steps:
  check: { stage: unit-tests, run: "true" }
  prepare: { run: "tr a-z A-Z < words.txt > rows.txt", deps: [words.txt], outs: [rows.txt] }
  train: { run: "sort -r rows.txt > model.txt", deps: [rows.txt], outs: [model.txt] }
  nightly: { if: "event == 'schedule'", run: "true" }
  after: { needs: [nightly], run: "true" }
`

interface Explained {
  readonly problems: readonly object[]
  readonly plan: readonly { step: string; fate: string; why: string }[]
}

async function explain(folder: string): Promise<Record<string, string>> {
  const { stdout, stderr } = await place.tidegate(folder, ['--json', 'lint', '--explain'])
  expect(stderr).toBe('')
  const { plan } = JSON.parse(stdout) as Explained
  return Object.fromEntries(plan.map(({ step, fate, why }) => [step, `${fate}: ${why}`]))
}

async function run(folder: string): Promise<Record<string, string | null>> {
  const { stdout } = await place.tidegate(folder, ['--json', 'run'])
  const { steps } = JSON.parse(stdout) as { steps: { step: string; cache: string | null; why: string | null }[] }
  return Object.fromEntries(steps.map(({ step, cache, why }) => [step, `${cache}: ${why}`]))
}

test('the plan is explained as a run would decide it, before the first run, after it and after a change', async () => {
  const folder = await place.repository('words', { 'tidegate.yaml': FILE, 'words.txt': 'b\na\n' })

  const before = await explain(folder)
  expect(before).toEqual({
    environment: 'runs: first run of this step',
    sources: 'open: known once environment has run',
    check: 'runs: not cached: it declares no deps',
    prepare: 'open: known once environment has run',
    train: 'open: known once environment, prepare have run',
    nightly: "skipped: `if: ('local' == 'schedule')` is not true here",
    after: 'skipped: nightly was skipped',
  })
  const first = await run(folder)
  expect(first['environment']).toBe('miss: first run of this step')

  expect(await explain(folder)).toMatchObject({
    environment: 'cached: nothing changed since words#1',
    sources: 'cached: nothing changed since words#1',
    check: 'runs: not cached: it declares no deps',
    prepare: 'cached: nothing changed since words#1',
    train: 'cached: nothing changed since words#1',
  })

  await writeFiles(folder, { 'words.txt': 'c\n' })
  const changed = await explain(folder)
  expect(changed).toMatchObject({
    environment: 'cached: nothing changed since words#1',
    sources: 'runs: deps: words.txt changed',
    prepare: 'runs: deps: words.txt changed',
    train: 'open: known once prepare has run',
  })
  expect(await explain(folder)).toEqual(changed)
  expect(await run(folder)).toMatchObject({
    environment: 'hit: nothing changed since words#1',
    prepare: 'miss: deps: words.txt changed',
    train: 'miss: deps: rows.txt changed',
  })
})

test('people read it by stage, with what each step waits for', async () => {
  const folder = await place.repository('shown', { 'tidegate.yaml': FILE, 'words.txt': 'b\n' })

  const { stdout, code } = await place.tidegate(folder, ['lint', '--explain'])

  expect(code).toBe(0)
  const lines = stdout.split('\n')
  expect(lines.filter((line) => /^\S/.test(line) && !line.startsWith('tidegate.yaml'))).toEqual([
    '0 errors, 2 warnings.',
    'build',
    'unit-tests',
    'train',
    '0 cached, 2 would run, 3 open until what they read is made, 2 would be skipped. Nothing was run.',
  ])
  const train = lines.findIndex((line) => line.startsWith('  train '))
  expect(lines.slice(train, train + 4).map((line) => line.trim())).toEqual([
    'train        open     known once environment, prepare have run',
    'reads prepare',
    'runs in environment',
    'after all of build, unit-tests',
  ])
})

test('a file with errors has no plan, and another file cannot be explained', async () => {
  const folder = await place.repository('wrong', { 'tidegate.yaml': 'steps: { a: { rum: x } }', 'server.yaml': '' })

  const broken = await place.tidegate(folder, ['lint', '--explain'])
  expect([broken.code, broken.stdout.includes('Nothing was run')]).toEqual([1, false])
  const other = await place.tidegate(folder, ['lint', 'server.yaml', '--explain'])
  expect(other.code).not.toBe(0)
  expect(other.stderr).toContain('--explain is about a tidegate.yaml')
})

test('a step that asks how another ended waits for it in the plan as in the run', async () => {
  const file = `steps:
  nightly: { if: "event == 'schedule'", run: "true" }
  train: { needs: [nightly, slow], run: "true" }
  release: { needs: [train], if: "always() and steps.slow.outcome == 'succeeded'", run: "true" }
  slow: { run: sleep 1 }
`
  const folder = await place.repository('outcomes', { 'tidegate.yaml': file })

  expect(await explain(folder)).toMatchObject({
    train: 'skipped: nightly was skipped',
    release: 'runs: not cached: it declares no deps',
  })
  expect(await run(folder)).toMatchObject({
    train: 'null: nightly was skipped',
    release: 'off: not cached: it declares no deps',
  })
  expect((await place.tidegate(folder, ['lint', '--explain'])).stdout).toMatch(/after train\n +asks how slow ended\n/)
})
