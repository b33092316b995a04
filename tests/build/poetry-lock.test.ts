import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBuildEnvironmentTask } from '../../src/build/build-environment.ts'
import { toolEnvironment } from '../../src/flow/tool-environment.ts'
import { openTaskPlace, type TaskPlace } from '../harness/task-context.ts'
import { folderOfUv, pathWithoutUv } from './python-tools.ts'
import { IS_ROOT } from '../harness/is-root.ts'

const INSTALLERS = ['uv', 'pip'] as const
/** An environment with pip takes its time on a busy machine. */
const PATIENCE_MS = 600_000
/** Of the lock; the index has newer ones. */
const HELD = ['iniconfig==1.1.1', 'pluggy==1.5.0', 'six==1.15.0', 'toml==0.10.1']

/** The package index of the machine. */
let place: TaskPlace
let environments: Record<(typeof INSTALLERS)[number], Record<string, string>>

beforeAll(async () => {
  place = await openTaskPlace()
  await mkdir(join(place.dataFolder, 'home'))
  const { env, secrets } = toolEnvironment(process.env)
  const path = await pathWithoutUv()
  const settings = { ...env, ...secrets, HOME: join(place.dataFolder, 'home') }
  environments = {
    uv: { ...settings, PATH: `${await folderOfUv()}:${path}` },
    pip: { ...settings, PATH: path },
  }
})
afterAll(() => place[Symbol.asyncDispose]())

function fixture(name: string): Promise<string> {
  return readFile(fileURLToPath(new URL(`../fixtures/poetry/${name}`, import.meta.url)), 'utf8')
}

interface Given {
  readonly installer?: (typeof INSTALLERS)[number]
  readonly pyproject?: (text: string) => string
  readonly lock: string
}

async function build({ installer = 'pip', pyproject = (text) => text, lock }: Given) {
  const context = { ...(await place.context()), dataFolder: join(place.dataFolder, installer) }
  const files = { 'pyproject.toml': pyproject(await fixture('pyproject.toml')), 'poetry.lock': lock, 'digits.py': '' }
  for (const [path, text] of Object.entries(files)) await writeFile(join(context.workspace, path), text)
  const task = createBuildEnvironmentTask({
    env: environments[installer],
    stepsRunAsOtherUser: IS_ROOT,
  })
  const input = { name: 'default', dependencies: ['pyproject.toml[old, dev]'], system: [] }
  const output = await task.run(input, context)
  const text = output.result === undefined ? '' : (await context.artifacts.read(output.result.lock.digest)).toString()
  return { failure: output.failure?.message, text, locked: text.match(/^[a-z]+==[^\s;]+/gm) }
}

describe.each(INSTALLERS)('with %s', (installer) => {
  test.each(['1.1', '2.0', '2.1'])(
    'the versions and files of a poetry.lock of format %s are taken',
    async (format) => {
      const lock = await fixture(`${format}.lock`)

      const { failure, text, locked } = await build({ installer, lock })

      expect(failure).toBeUndefined()
      expect(locked).toEqual(HELD)
      const hashes = text.match(/sha256:[0-9a-f]{64}/g) ?? []
      expect(hashes.length).toBeGreaterThanOrEqual(HELD.length)
      expect(hashes.filter((hash) => !lock.includes(hash))).toEqual([])
    },
    PATIENCE_MS,
  )

  test('a project that has outgrown its lock is refused, with both lines', async () => {
    const { failure } = await build({
      installer,
      pyproject: (text) => text.replace('iniconfig = ">=1.0"', 'iniconfig = ">=2.0"'),
      lock: await fixture('2.1.lock'),
    })

    expect(failure).toContain('cannot be resolved among the versions that poetry.lock holds')
    expect(failure).toMatch(/pyproject\.toml:9: iniconfig \(>=2\.0\)/)
    expect(failure).toMatch(/poetry\.lock:3: iniconfig==1\.1\.1$/m)
    expect(failure).toContain('`poetry lock`, and commit it')
  })
})

test('a package that the lock does not hold is named', async () => {
  const { failure } = await build({
    pyproject: (text) => text.replace('iniconfig =', 'packaging = "*"\niniconfig ='),
    lock: await fixture('2.1.lock'),
  })

  expect(failure).toBe(
    'pyproject.toml[old, dev] requires packaging, and poetry.lock does not hold it. Run `poetry lock`, and commit poetry.lock.',
  )
})

test('a file that is none of those in the lock is not taken', async () => {
  const lock = await fixture('2.1.lock')
  const other = lock.replace(/(file = "six-1\.15\.0[^}]*sha256:)[0-9a-f]{64}/g, `$1${'0'.repeat(64)}`)

  const { failure } = await build({ lock: other })

  expect(failure).toMatch(/^poetry\.lock:\d+: no file of six==1\.15\.0 that the index has is one of those/)
})

test('a lock in a format that is not known is refused, with another way', async () => {
  const lock = await fixture('2.1.lock')

  const { failure } = await build({ lock: lock.replace('lock-version = "2.1"', 'lock-version = "3.0"') })

  expect(failure).toContain('poetry.lock has the format "3.0"')
  expect(failure).toContain('poetry export')
})
