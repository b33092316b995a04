import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCommandPlace, writeFiles, type CommandPlace } from './command.ts'

let place: CommandPlace

beforeAll(async () => {
  place = await openCommandPlace()
})
afterAll(() => place[Symbol.asyncDispose]())

const GOOD = 'version: 1\nsteps:\n  train: { run: python train.py, deps: [train.py], outs: [model.txt] }\n'

test('a file without problems is said to have none', async () => {
  const folder = await place.repository('good', { 'tidegate.yaml': GOOD, 'train.py': '' })

  const { code, stdout } = await place.tidegate(folder, ['lint'])

  expect({ code, stdout }).toEqual({ code: 0, stdout: 'tidegate.yaml: no problems.\n' })
})

test('each problem is one line with file, line, column and path, and the exit code is 1', async () => {
  const folder = await place.repository('bad', {
    'tidegate.yaml': 'version: 1\nsteps:\n  train: { run: python train.py, dep: [train.py] }\n',
  })

  const { code, stdout } = await place.tidegate(folder, ['lint'])

  expect(code).toBe(1)
  expect(stdout).toMatch(/^tidegate\.yaml:3:34: steps\.train\.dep: .*deps/m)
  expect(stdout).toContain('1 error, 0 warnings.')
})

test('a folder stands for the file in it, and a file for no folder', async () => {
  const folder = await place.repository('by-folder', {
    'part/tidegate.yaml': GOOD,
    'part/train.py': '',
    'train.py': '',
    'other/tidegate.yml': GOOD,
  })

  const linted = await place.tidegate(folder, ['lint', 'part'])
  const other = await place.tidegate(folder, ['lint', 'other'])
  const without = await place.tidegate(folder, ['lint', '.'])
  const run = await place.tidegate(folder, ['run', 'train.py'])

  expect(linted).toEqual({ code: 0, stdout: 'part/tidegate.yaml: no problems.\n', stderr: '' })
  expect(without.stderr).toContain('There is no file tidegate.yaml here.')
  expect(other.stderr).toContain('There is no file other/tidegate.yaml here. Give other/tidegate.yml that name.')
  expect(run).toEqual({
    code: 2,
    stdout: '',
    stderr: `${join(folder, 'train.py')} is no folder: name the one that holds it.\n`,
  })
})

test('files that git ignores are not there, files not yet added are', async () => {
  const folder = await place.repository('context', {
    'tidegate.yaml': GOOD.replace('[train.py]', '[train.py, new.csv, ignored.csv]'),
    'train.py': '',
    '.gitignore': 'ignored.csv\n',
  })
  await writeFiles(folder, { 'new.csv': '1', 'ignored.csv': '1' })

  const { stdout } = await place.tidegate(folder, ['--json', 'lint'])

  const { problems } = JSON.parse(stdout) as { problems: { path: string; message: string }[] }
  expect(problems.map(({ path }) => path)).toEqual(['steps.train.deps[2]'])
  expect(problems[0]?.message).toContain('"ignored.csv" is there, but git would not commit it: it is ignored')
})

test('a server.yaml is checked as one, by its name or when told', async () => {
  const folder = await place.repository('server', {
    'server.yaml': 'port: 99999\n',
    'other.yaml': 'prot: 1\nsteps: { sandbox: maybe, cpu: 3 }\npublic-url: here\n',
  })

  const named = await place.tidegate(folder, ['lint', 'server.yaml'])
  const told = await place.tidegate(folder, ['lint', '--server-config', 'other.yaml'])

  expect(named.code).toBe(1)
  expect(named.stdout).toContain('server.yaml:1:7: port: ')
  expect(told.stdout.split('\n').slice(0, 4)).toEqual([
    'other.yaml:1:1: prot: unknown key "prot": did you mean "port"?',
    'other.yaml:2:19: steps.sandbox: write one of required, auto, off, not the text "maybe"',
    'other.yaml:2:26: steps.cpu: unknown key "cpu": did you mean "cpus"?',
    'other.yaml:3:13: public-url: write an address as https://tidegate.example.com',
  ])
})

test('where there is no file, init is named', async () => {
  const folder = await place.repository('none', { 'train.py': '' })

  const { code, stderr } = await place.tidegate(folder, ['lint'])

  expect(code).toBe(2)
  expect(stderr).toContain('tidegate init')
})

test('init writes a file that lint finds nothing wrong with, once', async () => {
  const folder = await place.repository('init', {
    'train.py': 'import joblib\n',
    'requirements.txt': 'pytest\n',
    'tests/test_it.py': '',
  })

  const first = await place.tidegate(folder, ['init'])
  const written = await readFile(join(folder, 'tidegate.yaml'), 'utf8')
  const linted = await place.tidegate(folder, ['lint'])
  const again = await place.tidegate(folder, ['init'])

  expect(first.stdout).toContain('tidegate run')
  expect(linted.code).toBe(0)
  expect(again.code).toBe(2)
  expect(again.stderr).toContain('was not touched')
  expect(await readFile(join(folder, 'tidegate.yaml'), 'utf8')).toBe(written)
})

test('init --print writes nothing', async () => {
  const folder = await place.repository('print', { 'train.py': '' })

  const { stdout, stderr } = await place.tidegate(folder, ['init', '--print'])

  expect(stdout).toContain('steps:')
  expect(stderr).toContain('- There are no tests yet')
  await expect(readFile(join(folder, 'tidegate.yaml'))).rejects.toThrow('ENOENT')
})
