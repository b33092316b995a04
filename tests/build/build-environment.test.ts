import { execFile } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adoptInterpreter } from '../../src/build/adopt-interpreter.ts'
import { createBuildEnvironmentTask, type BuildEnvironmentInput } from '../../src/build/build-environment.ts'
import { environmentTrouble, listEnvironments } from '../../src/build/environment-marker.ts'
import { findPython } from '../../src/build/find-python.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { openTaskPlace, type TaskPlace } from '../harness/task-context.ts'
import { folderOfUv, makeWheels, pathWithoutUv } from './python-tools.ts'
import { IS_ROOT } from '../harness/is-root.ts'

const run = promisify(execFile)
const INSTALLERS = ['uv', 'pip'] as const

let place: TaskPlace
let wheels: string
let environments: Record<(typeof INSTALLERS)[number], Record<string, string>>

beforeAll(async () => {
  place = await openTaskPlace()
  wheels = join(place.dataFolder, 'wheels')
  await makeWheels(wheels, [
    { name: 'alpha', version: '1.0' },
    { name: 'alpha', version: '2.0' },
    { name: 'beta', version: '1.0', requires: ['alpha<2'] },
  ])
  const home = join(place.dataFolder, 'home')
  await mkdir(home)
  const path = await pathWithoutUv()
  // Only what pip is told: uv has to take it over.
  const settings = { HOME: home, PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels }
  environments = {
    uv: { ...settings, PATH: `${await folderOfUv()}:${path}` },
    pip: { ...settings, PATH: path },
  }
})
afterAll(() => place[Symbol.asyncDispose]())

async function build(
  installer: (typeof INSTALLERS)[number],
  files: Record<string, string>,
  input: Partial<BuildEnvironmentInput> = {},
  data = installer as string,
) {
  const context = { ...(await place.context()), dataFolder: join(place.dataFolder, data) }
  for (const [path, text] of Object.entries(files)) await writeFile(join(context.workspace, path), text)
  const task = createBuildEnvironmentTask({ env: environments[installer], stepsRunAsOtherUser: false })
  const dependencies = Object.keys(files).slice(0, 1)
  return { output: await task.run({ name: 'default', dependencies, system: [], ...input }, context), context }
}

describe.each(INSTALLERS)('with %s', (installer) => {
  test('an environment is locked with hashes, runs, and is there the second time', async () => {
    const files = { 'dev.txt': '-r base.txt\n', 'base.txt': 'beta\n' }

    const first = await build(installer, files)
    const second = await build(installer, files)

    const { result, provides, failure } = first.output
    expect(failure).toBeUndefined()
    const lock = (await first.context.artifacts.read(result!.lock.digest)).toString()
    expect(lock).toMatch(/alpha==1\.0 \\\n {4}--hash=sha256:[0-9a-f]{64}\nbeta==1\.0 \\\n {4}--hash=sha256:/)
    expect(result).toMatchObject({ installer, cached: false, packages: 2, lockDigest: result!.lock.digest })
    expect(provides!.cacheKey).toBe(`${result!.lockDigest} python ${result!.python} ${result!.platform}`)
    const path = `${provides!.path.join(':')}:/usr/bin:/bin`
    const { stdout } = await run('python', ['-c', 'import alpha, sys; print(alpha.version, sys.prefix)'], {
      env: { PATH: path },
    })
    expect(stdout.trim()).toBe(`1.0 ${result!.folder}`)
    expect(second.output.result).toMatchObject({ cached: true, folder: result!.folder, lockDigest: result!.lockDigest })
    const { mode } = await stat(join(result!.folder, 'bin'))
    expect(mode & 0o777).toBe(0o755)
  })

  test('an environment holds the packages of its lock and nothing beside them', async () => {
    const { output } = await build(installer, { 'requirements.txt': 'beta\n' })

    const list = 'import importlib.metadata as m; print(*sorted(d.metadata["Name"] for d in m.distributions()))'
    const { stdout } = await run(join(output.result!.folder, 'bin', 'python'), ['-I', '-c', list])
    expect(stdout.trim()).toBe('alpha beta')
  })

  test('requirements that cannot go together are named with file and line', async () => {
    const { output } = await build(installer, { 'requirements.txt': '# ours\nbeta\nalpha==2.0\n' })

    expect(output.failure?.reason).toBe('refused')
    expect(output.failure?.message).toContain('requirements.txt:2: beta')
    expect(output.failure?.message).toContain('requirements.txt:3: alpha==2.0')
  })

  test('a package nobody has is named with file and line', async () => {
    const { output } = await build(installer, { 'requirements.txt': 'alpha\nno-such-thing>=1\n' })

    expect(output.failure?.message).toContain('requirements.txt:2: no-such-thing>=1')
    expect(output.failure?.message).not.toContain('requirements.txt:1:')
  })

  test('a file whose hash is not the one that was written down is not taken', async () => {
    const wrong = `alpha==1.0 --hash=sha256:${'0'.repeat(64)}\n`

    const { output } = await build(installer, { 'requirements.txt': wrong })

    expect(output.failure?.message).toContain('requirements.txt:1: ')
    expect(output.failure?.message).toMatch(/hash/i)
  })

  test('the dependencies of a pyproject.toml are taken', async () => {
    const text = '[project]\nname = "x"\nversion = "1"\ndependencies = [\n  "alpha==2.0",\n]\n'

    const { output } = await build(installer, { 'pyproject.toml': text })

    expect(output.failure).toBeUndefined()
    expect(output.result).toMatchObject({ packages: 1 })
  })
})

describe.each(INSTALLERS)('extras and dependency groups with %s', (installer) => {
  const text = `[project]
name = "x"
version = "1"
dependencies = ["alpha<2"]
[project.optional-dependencies]
Train = ["x[more]"]
more = ["X[Train, less]"]
less = ["beta"]
[dependency-groups]
dev = [{ include-group = "lint" }]
lint = ["alpha==1.0"]
`
  const dependencies = (names: string) => ({ dependencies: [`pyproject.toml[${names}]`] })

  test('are taken beside the project’s own dependencies', async () => {
    const { output } = await build(installer, { 'pyproject.toml': text }, dependencies('train, dev'))

    expect(output.failure).toBeUndefined()
    expect(output.result).toMatchObject({ packages: 2 })
  })

  test('that are not there are named beside those that are', async () => {
    const { output } = await build(installer, { 'pyproject.toml': text }, dependencies('test'))

    expect(output.failure?.message).toContain(
      'it has no extra or dependency group test; it has train, more, less, dev, lint',
    )
  })
})

describe('a uv.lock', () => {
  const project = (dependencies: string) =>
    `[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = [${dependencies}]\n[dependency-groups]\ndev = ["alpha"]\n`

  async function locked(dependencies: string): Promise<string> {
    const { workspace } = await place.context()
    await writeFile(join(workspace, 'pyproject.toml'), project(dependencies))
    const { PATH = '', HOME = '' } = environments.uv
    const env = { PATH, HOME, UV_DEFAULT_INDEX: `file://${await simpleIndex()}` }
    await run('uv', ['lock', '--quiet'], { cwd: workspace, env })
    return readFile(join(workspace, 'uv.lock'), 'utf8')
  }

  /** Of a folder of wheels uv writes no hashes down, of an index it does. */
  async function simpleIndex(): Promise<string> {
    const index = join(place.dataFolder, 'simple')
    for (const file of (await readdir(wheels)).filter((name) => name.endsWith('.whl'))) {
      const folder = join(index, file.split('-')[0] ?? '')
      await mkdir(folder, { recursive: true })
      const hash = sha256(await readFile(join(wheels, file))).replace(':', '=')
      await appendFile(join(folder, 'index.html'), `<a href="file://${wheels}/${file}#${hash}">${file}</a>\n`)
    }
    return index
  }

  test('is taken as it is', async () => {
    const lock = await locked('"beta >= 1.0, < 2"')

    const { output, context } = await build('uv', { 'pyproject.toml': project('"beta<2,>=1.0"'), 'uv.lock': lock })

    expect(output.failure).toBeUndefined()
    const text = (await context.artifacts.read(output.result!.lock.digest)).toString()
    expect(text).toMatch(/^alpha==1\.0/m)
  })

  test('that the project has outgrown is refused, with what differs', async () => {
    const lock = await locked('"beta"')

    const { output } = await build('uv', { 'pyproject.toml': project('"beta>=1", "gamma"'), 'uv.lock': lock })

    expect(output.failure?.message).toContain('uv.lock is older than pyproject.toml')
    expect(output.failure?.message).toContain('the project asks for beta >=1; the project asks for gamma')
    expect(output.failure?.message).toContain('Run `uv lock`')
  })

  test('is not passed over where there is no uv', async () => {
    const { output } = await build('pip', { 'pyproject.toml': project('"beta"'), 'uv.lock': await locked('"beta"') })

    expect(output.failure?.message).toMatch(/has a uv\.lock, and this machine has no uv.*pip install uv/)
  })
})

test.each(INSTALLERS)('an environment.yml that asks for Python and pip alone is taken by %s', async (installer) => {
  const minor = /Python (3\.\d+)/.exec((await run('python3', ['--version'])).stdout)?.[1] ?? ''
  const text = `dependencies:\n  - python=${minor}\n  - pip:\n    - beta\n`

  const { output } = await build(installer, { 'environment.yml': text })

  expect(output.failure).toBeUndefined()
  expect(output.result).toMatchObject({ packages: 2, python: expect.stringMatching(new RegExp(`^${minor}\\.`)) })
})

test('an environment.yml with packages of conda is refused with all of them', async () => {
  const { output } = await build('uv', { 'environment.yml': 'dependencies: [cudatoolkit=11.8, numpy]\n' })

  expect(output.failure?.message).toMatch(/asks for packages of conda[^]*cudatoolkit=11\.8\n {2}numpy\n.*interpreter/)
})

test('what conda has put beside an interpreter is part of its lock', async () => {
  const folder = join(place.dataFolder, 'conda')
  await run('python3', ['-m', 'venv', '--without-pip', folder])
  const adopt = () => build('pip', {}, { interpreter: join(folder, 'bin', 'python'), dependencies: [] })
  const before = await adopt()
  await mkdir(join(folder, 'conda-meta'))
  await writeFile(join(folder, 'conda-meta', 'openblas-0.3.27-h1234_0.json'), '{}')

  const after = await adopt()

  expect(after.output.result?.lockDigest).not.toBe(before.output.result?.lockDigest)
  const lock = (await after.context.artifacts.read(after.output.result!.lock.digest)).toString()
  expect(lock).toContain('# conda: openblas-0.3.27-h1234_0\n')
})

test('a damaged environment is built again, and so is one that a step has put something into', async () => {
  const files = { 'requirements.txt': 'alpha==2.0\n' }
  const { output } = await build('uv', files, {}, 'damaged')
  const site = join(
    output.result!.folder,
    'lib',
    `python${output.result!.python.replace(/\.\d+$/, '')}`,
    'site-packages',
  )

  await rm(join(site, 'alpha', '__init__.py'))
  const mended = await build('uv', files, {}, 'damaged')
  await writeFile(join(site, 'pushed-in.py'), '')
  const cleaned = await build('uv', files, {}, 'damaged')
  const third = await build('uv', files, {}, 'damaged')

  expect(mended.output.result).toMatchObject({ cached: false, folder: output.result!.folder })
  expect(cleaned.output.result?.cached).toBe(false)
  expect(third.output.result?.cached).toBe(true)
  expect(await readdir(join(site, 'alpha'))).toContain('__init__.py')
  expect(await readdir(site)).not.toContain('pushed-in.py')
  await rm(site, { recursive: true })
  expect(await environmentTrouble(output.result!.folder)).toMatch(/is damaged: lib\/python3\.\d+ was changed/)
  expect(await listEnvironments(join(place.dataFolder, 'damaged', 'environments'))).toEqual([
    { folder: output.result!.folder, usedAt: expect.any(Number) },
  ])
})

test('ten builds at once make one environment', async () => {
  const outputs = await Promise.all(
    Array.from({ length: 10 }, () => build('uv', { 'requirements.txt': 'alpha\n' }, {}, 'ten')),
  )

  const results = outputs.map(({ output }) => output.result!)
  expect(new Set(results.map((result) => result.folder)).size).toBe(1)
  expect(results.filter((result) => !result.cached)).toHaveLength(1)
  const entries = await readdir(join(place.dataFolder, 'ten', 'environments'), { withFileTypes: true })
  expect(
    entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .toSorted(),
  ).toHaveLength(2)
})

test('what an installation that died left behind is made anew', async () => {
  const files = { 'requirements.txt': 'alpha==1.0\n' }
  const { output } = await build('uv', files)
  await rm(join(output.result!.folder, 'tidegate-environment.json'))
  await writeFile(join(output.result!.folder, 'half'), '')

  const again = await build('uv', files)

  expect(again.output.result).toMatchObject({ cached: false, folder: output.result!.folder })
  expect(await readdir(output.result!.folder)).not.toContain('half')
})

test('a lock is not resolved again when the index has something newer', async () => {
  const files = { 'requirements.txt': 'gamma\n' }
  await makeWheels(wheels, [{ name: 'gamma', version: '1.0' }])
  const before = await build('uv', files)
  await makeWheels(wheels, [{ name: 'gamma', version: '2.0' }])

  const after = await build('uv', files)

  expect(after.output.result!.lockDigest).toBe(before.output.result!.lockDigest)
})

test('a missing Python is named, with how to get it', async () => {
  const { output } = await build('uv', { 'requirements.txt': '' }, { python: '3.99' })

  expect(output.failure?.message).toMatch(
    /Python 3\.99 is not installed on this machine\. There are 3\..*uv python install 3\.99/,
  )
})

test.each([
  ['requirements.txt', 'alpha\nmine @ git+https://git.example/mine@1.0\n', 2],
  ['requirements.txt', '-e git+ssh://git@git.example/mine#egg=mine\n', 1],
  ['pyproject.toml', '[project]\nname = "x"\ndependencies = [\n  "mine @ git+https://git.example/mine",\n]\n', 4],
  ['environment.yml', 'dependencies:\n  - pip:\n    - alpha\n    - mine @ git+https://git.example/mine\n', 4],
])('a package of a repository in %s is refused before anything is fetched', async (file, text, line) => {
  const { output } = await build('pip', { [file]: text })

  expect(output.failure?.message).toContain(`${file}:${line}: `)
  expect(output.failure?.message).toContain('has no file whose hash could be locked')
})

test.each([
  ['requirements.txt', 'beta\nalpha @ https://elsewhere.test/${PIP_FIND_LINKS}/alpha.whl\n', 2],
  ['requirements.txt', '--extra-index-url https://${PIP_INDEX_URL}.elsewhere.test\nbeta\n', 1],
  [
    'pyproject.toml',
    '[project]\nname = "x"\ndependencies = [\n  "alpha @ https://elsewhere.test/${UV_INDEX}",\n]\n',
    4,
  ],
  ['environment.yml', 'dependencies:\n  - pip:\n    - alpha @ https://elsewhere.test/${UV_INDEX}/alpha.whl\n', 3],
])('a list in %s gets nothing of what the installation tells its tools: %j', async (file, text, line) => {
  const { output } = await build('pip', { [file]: text })

  expect(output.failure).toMatchObject({ reason: 'refused' })
  expect(output.failure?.message).toMatch(new RegExp(`^${file}:${line}: .*asks for a variable of the environment`))
})

test.each(INSTALLERS)('extras and what TOML spells otherwise get nothing of it with %s either', async (installer) => {
  const project = (lines: string) => `[project]\nname = "x"\nversion = "1"\n${lines}`
  const extra = project('[project.optional-dependencies]\nmore = ["alpha @ https://elsewhere.test/${UV_INDEX}"]\n')
  const spelled = project('dependencies = ["alpha @ https://elsewhere.test/\\u0024{UV_INDEX}"]\n')

  const more = await build(installer, { 'pyproject.toml': extra }, { dependencies: ['pyproject.toml[more]'] })
  const plain = await build(installer, { 'pyproject.toml': spelled })

  expect(more.output.failure?.message).toMatch(/^pyproject\.toml:5: .*asks for a variable of the environment/)
  expect(plain.output.failure?.message).toMatch(/^pyproject\.toml:1: .*asks for a variable of the environment/)
})

test.each(INSTALLERS)(
  'the files that an environment.yml names for pip are taken by %s, beside it',
  async (installer) => {
    const context = await place.context()
    await mkdir(join(context.workspace, 'conda'))
    await writeFile(
      join(context.workspace, 'conda/environment.yml'),
      'dependencies:\n  - pip:\n    - -r more.txt\n    - "-c limits.txt"\n',
    )
    await writeFile(join(context.workspace, 'conda/more.txt'), 'alpha\n')
    await writeFile(join(context.workspace, 'conda/limits.txt'), 'alpha<2\n')
    const task = createBuildEnvironmentTask({ env: environments[installer], stepsRunAsOtherUser: false })
    const place_ = { ...context, dataFolder: join(place.dataFolder, installer) }

    const output = await task.run({ name: 'default', dependencies: ['conda/environment.yml'], system: [] }, place_)

    expect(output.failure).toBeUndefined()
    expect((await context.artifacts.read(output.result!.lock.digest)).toString()).toMatch(/^alpha==1\.0/m)
  },
)

test('a requirement on the working copy, a missing file and a missing system package are refused', async () => {
  const local = await build('uv', { 'requirements.txt': 'alpha\n-e .\n' })
  const missing = await build('uv', { 'requirements.txt': '-r gone.txt\n' })
  const system = await build('uv', { 'requirements.txt': '' }, { system: ['no-such-library9'] })

  expect(local.output.failure?.message).toContain('requirements.txt:2: "-e ." installs from the working copy')
  expect(missing.output.failure?.message).toContain('requirements.txt:1: gone.txt is not in the commit')
  expect(system.output.failure?.message).toContain('no-such-library9')
})

test('an interpreter that is brought along is locked by what it lists', async () => {
  const made = await build('uv', { 'requirements.txt': 'alpha==1.0\n' })
  const interpreter = join(made.output.result!.folder, 'bin', 'python')

  const { output, context } = await build('uv', {}, { interpreter, dependencies: [] })

  expect(output.result).toMatchObject({ installer: 'interpreter', packages: 1 })
  expect((await context.artifacts.read(output.result!.lock.digest)).toString()).toContain('alpha==1.0')
})

test('where steps run as somebody else, only an interpreter that they can read is taken', async () => {
  const context = await place.context()
  await writeFile(join(context.workspace, 'requirements.txt'), 'alpha\n')
  const task = createBuildEnvironmentTask({ env: environments.uv, stepsRunAsOtherUser: true })

  const output = await task.run({ name: 'default', dependencies: ['requirements.txt'], system: [] }, context)

  const python = join(output.result!.folder, 'bin', 'python')
  const asNobody = IS_ROOT ? { uid: 65_534, gid: 65_534 } : {}
  await run('chmod', ['755', place.dataFolder])
  const { stdout } = await run(python, ['-c', 'import alpha; print(alpha.version)'], { ...asNobody, env: {}, cwd: '/' })
  expect(stdout.trim()).toBe('2.0')
})

test('an interpreter that somebody else could have put there is not run', async () => {
  const left = join(place.dataFolder, 'left')
  await mkdir(left)
  await writeFile(join(left, 'python'), '#!/bin/sh\ntouch "$(dirname "$0")/ran"\n', { mode: 0o755 })
  await run('chmod', ['777', left])
  const task = createBuildEnvironmentTask({ env: environments.uv, stepsRunAsOtherUser: true })
  const input = { name: 'default', dependencies: [], system: [], interpreter: join(left, 'python') }

  const output = await task.run(input, await place.context())

  expect(output.failure?.message).toContain('can be written by others than root')
  expect(await readdir(left)).toEqual(['python'])
})

test('an interpreter that the user of steps may not start is refused, and the folder that is closed is named', async () => {
  const closed = await mkdtemp('/var/tmp/tidegate-closed-')
  await run('python3', ['-m', 'venv', '--without-pip', join(closed, 'venv')])
  const adopt = (asOtherUser: boolean) =>
    adoptInterpreter(join(closed, 'venv', 'bin', 'python'), {
      env: environments.pip,
      asOtherUser,
      signal: new AbortController().signal,
    })

  const ours = await adopt(false)
  const theirs = adopt(true)

  expect(ours).toMatchObject({ installer: 'interpreter', folder: join(closed, 'venv') })
  if (IS_ROOT) await expect(theirs).rejects.toThrow(`chmod o+x ${closed})`)
  else await expect(theirs).resolves.toEqual(ours)
  await rm(closed, { recursive: true })
})

test('a Python beside a folder that cannot be listed, and one that cannot be started, is still found', async () => {
  const odd = join(place.dataFolder, 'odd')
  await mkdir(odd)
  await writeFile(join(odd, 'versions'), 'a file where pyenv has a folder')
  await writeFile(join(odd, 'python3'), '#!/no/such/interpreter\n', { mode: 0o755 })
  await writeFile(join(odd, 'python'), 'no program', { mode: 0o644 })
  const env = { ...environments.pip, PYENV_ROOT: odd, PATH: `${odd}:${environments.pip['PATH']}` }

  const python = await findPython({ env, forOtherUser: false, signal: new AbortController().signal })

  expect(python.version).toMatch(/^3\./)
})

test('code that a package hooks into the start of Python does not run with our rights', async () => {
  const marker = join(place.dataFolder, 'hooked')
  await makeWheels(wheels, [
    { name: 'hook', version: '1.0', files: { 'hook.pth': `import os; open(${JSON.stringify(marker)}, 'w')\n` } },
  ])
  const context = await place.context()
  await writeFile(join(context.workspace, 'requirements.txt'), 'hook\n')
  const task = createBuildEnvironmentTask({ env: environments.uv, stepsRunAsOtherUser: true })

  const output = await task.run({ name: 'default', dependencies: ['requirements.txt'], system: [] }, context)

  expect(output.failure).toBeUndefined()
  expect(await readdir(place.dataFolder)).not.toContain('hooked')
  await run(join(output.result!.folder, 'bin', 'python'), ['-c', ''])
  expect(await readdir(place.dataFolder)).toContain('hooked')
})

test('a uv on PATH that does not run is passed over', async () => {
  const shims = join(place.dataFolder, 'shims')
  await mkdir(shims)
  await writeFile(join(shims, 'uv'), '#!/bin/sh\necho "pyenv: uv: command not found" >&2\nexit 127\n', { mode: 0o755 })
  const context = await place.context()
  await writeFile(join(context.workspace, 'requirements.txt'), 'alpha\n')
  const env = { ...environments.uv, PATH: `${shims}:${environments.uv['PATH']}` }

  const output = await createBuildEnvironmentTask({ env, stepsRunAsOtherUser: false }).run(
    { name: 'default', dependencies: ['requirements.txt'], system: [] },
    context,
  )

  expect(output.result).toMatchObject({ installer: 'uv' })
})
