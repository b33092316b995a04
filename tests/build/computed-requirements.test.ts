import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBuildEnvironmentTask } from '../../src/build/build-environment.ts'
import { takeBuildUser } from '../../src/build/build-user.ts'
import { findPython } from '../../src/build/find-python.ts'
import { runBounded, type BoundedAnswer } from '../../src/build/run-bounded.ts'
import { whyNoBubblewrap } from '../../src/lib/bubblewrap.ts'
import { listProcesses } from '../../src/lib/processes.ts'
import { openTestServer } from '../harness/server.ts'
import { tinyProject } from '../harness/tiny-project.ts'
import { openTaskPlace, type TaskPlace } from '../harness/task-context.ts'
import { folderOfUv, makeWheels, pathWithoutUv } from './python-tools.ts'
import { IS_ROOT } from '../harness/is-root.ts'

const run = promisify(execFile)
const INSTALLERS = ['uv', 'pip'] as const
const NO_BUBBLEWRAP = await whyNoBubblewrap(IS_ROOT ? { uid: 180_000, gid: 180_000 } : undefined)
const SECRET = 'open-sesame-9'

let place: TaskPlace
let environments: Record<(typeof INSTALLERS)[number], Record<string, string>>

beforeAll(async () => {
  place = await openTaskPlace()
  const wheels = join(place.dataFolder, 'wheels')
  await makeWheels(wheels, [
    { name: 'alpha', version: '1.0' },
    { name: 'alpha', version: '2.0' },
    { name: 'beta', version: '1.0', requires: ['alpha<2'] },
  ])
  const backends = ['setuptools', 'wheel', 'packaging', 'poetry-core', 'tomli']
  await run('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', wheels, ...backends])
  await mkdir(join(place.dataFolder, 'home'))
  await mkdir(join(place.dataFolder, 'repositories'), { mode: 0o700 })
  await writeFile(join(place.dataFolder, 'repositories', 'key'), SECRET)
  const path = await pathWithoutUv()
  const settings = {
    HOME: join(place.dataFolder, 'home'),
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: wheels,
    UV_INDEX_CORP_PASSWORD: SECRET,
  }
  environments = {
    uv: { ...settings, PATH: `${await folderOfUv()}:${path}` },
    pip: { ...settings, PATH: path },
  }
}, 120_000)
afterAll(() => place[Symbol.asyncDispose]())

async function build(
  files: Record<string, string>,
  installer: (typeof INSTALLERS)[number] = 'uv',
  extras = '',
  stepsRunAsOtherUser = IS_ROOT,
) {
  // Of its own: a lock that the other has resolved would be taken.
  const context = { ...(await place.context()), dataFolder: join(place.dataFolder, installer) }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(context.workspace, path)), { recursive: true })
    await writeFile(join(context.workspace, path), text)
  }
  const task = createBuildEnvironmentTask({ env: environments[installer], stepsRunAsOtherUser })
  const dependencies = [`${Object.keys(files)[0] ?? ''}${extras}`]
  const output = await task.run({ name: 'default', dependencies, system: [] }, context)
  const lock = output.result === undefined ? '' : (await context.artifacts.read(output.result.lock.digest)).toString()
  return {
    failure: output.failure?.message,
    locked: lock.match(/^[a-z]+==\S+/gm),
    log: context.lines.join('\n'),
    context,
  }
}

const SETUP = `import os
from setuptools import setup
with open("needs.txt") as file:
    needs = file.read().split()
setup(name="x", version="1", install_requires=needs, extras_require={"More": ["alpha<2; python_version >= '3'"]})
`

const POETRY = `[tool.poetry]
name = "x"
version = "1"
description = ""
authors = []
[tool.poetry.dependencies]
python = "^3.8"
alpha = "^1.0"
beta = { version = "*", optional = true }
[tool.poetry.extras]
more = ["beta"]
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
`

describe.each(INSTALLERS)('with %s', (installer) => {
  test('a setup.py is locked with hashes by what it reads beside it', async () => {
    const first = await build({ 'setup.py': SETUP, 'needs.txt': 'beta' }, installer)
    const changed = await build({ 'setup.py': SETUP, 'needs.txt': 'alpha==2.0' }, installer)

    expect(first.failure).toBeUndefined()
    expect(first.locked).toEqual(['alpha==1.0', 'beta==1.0'])
    expect(changed.locked).toEqual(['alpha==2.0'])
  })

  test('dependencies that setuptools reads from elsewhere are taken, and extras among them', async () => {
    const files = {
      'pyproject.toml': `[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "x"
version = "1"
dynamic = ["dependencies", "optional-dependencies"]
[tool.setuptools]
py-modules = []
[tool.setuptools.dynamic]
dependencies = { file = ["needs.txt"] }
optional-dependencies = { more = { file = ["more.txt"] } }
[dependency-groups]
dev = ["alpha<2"]
`,
      'needs.txt': 'alpha>=1\n',
      'more.txt': 'beta; python_version >= "3"\nnot-for-us; python_version < "3"\n',
    }

    const plain = await build(files, installer)
    const more = await build(files, installer, '[more]')
    const group = await build(files, installer, '[dev]')

    expect(plain).toMatchObject({ failure: undefined, locked: ['alpha==2.0'] })
    expect(more).toMatchObject({ failure: undefined, locked: ['alpha==1.0', 'beta==1.0'] })
    expect(group).toMatchObject({ failure: undefined, locked: ['alpha==1.0'] })
  })

  test('Poetry’s own table is taken, of a package and of a project that is none', async () => {
    const package_ = await build({ 'pyproject.toml': POETRY, 'x.py': '' }, installer)
    const extra = await build({ 'pyproject.toml': POETRY, 'x.py': '' }, installer, '[more]')
    const none = await build(
      { 'pyproject.toml': POETRY.replace('[tool.poetry]\n', '[tool.poetry]\npackage-mode = false\n') },
      installer,
      '[more]',
    )

    expect(package_).toMatchObject({ failure: undefined, locked: ['alpha==1.0'] })
    expect(extra).toMatchObject({ failure: undefined, locked: ['alpha==1.0', 'beta==1.0'] })
    expect(none).toMatchObject({ failure: undefined, locked: ['alpha==1.0', 'beta==1.0'] })
  })

  test('groups of Poetry are taken by name, beside a standard list too, and what others hold is not asked for', async () => {
    const groups = `[tool.poetry.group.dev.dependencies]
beta = "^1.0"
[tool.poetry.group.docs]
optional = true
[tool.poetry.group.docs.dependencies]
mine = { git = "https://git.example/mine" }
`
    const standard = `[project]\nname = "x"\nversion = "1"\ndependencies = ["alpha>=1"]\n${groups}[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n`

    const own = await build({ 'pyproject.toml': `${groups}${POETRY}`, 'x.py': '' }, installer, '[dev, more]')
    const beside = await build({ 'pyproject.toml': standard, 'x.py': '' }, installer, '[dev]')
    const legacy = POETRY.replace('[build-system]', '[tool.poetry.dev-dependencies]\nbeta = "*"\n[build-system]')
    const old = await build({ 'pyproject.toml': legacy, 'x.py': '' }, installer, '[dev]')
    const docs = await build({ 'pyproject.toml': standard, 'x.py': '' }, installer, '[docs]')
    const none = await build({ 'pyproject.toml': standard, 'x.py': '' }, installer, '[test]')

    for (const each of [own, beside, old])
      expect(each).toMatchObject({ failure: undefined, locked: ['alpha==1.0', 'beta==1.0'] })
    expect(docs.failure).toContain('git.example/mine" is no package of an index')
    expect(none.failure).toContain('it has no extra or dependency group test; it has dev, docs')
  })

  test('extras of a setup.py are taken by name', async () => {
    const more = await build({ 'setup.py': SETUP, 'needs.txt': '' }, installer, '[more]')
    const none = await build({ 'setup.py': SETUP, 'needs.txt': '' }, installer, '[less]')

    expect(more).toMatchObject({ failure: undefined, locked: ['alpha==1.0'] })
    expect(none.failure).toContain(
      'setup.py[less] cannot be read: it has no extra or dependency group less; it has more',
    )
  })

  test('what cannot go together is named with its line', async () => {
    const { failure } = await build(
      { 'setup.py': 'from setuptools import setup\nsetup(name="x", install_requires=[\n  "beta",\n  "alpha>1"])\n' },
      installer,
    )

    expect(failure).toContain('setup.py:3: beta')
    expect(failure).toContain('setup.py:4: alpha>1')
  })
})

test.runIf(IS_ROOT)('a setup.py runs as another user, who reads nothing of ours and leaves nobody', async () => {
  const looks = `import os, glob, json, subprocess, sys
def read(path):
    try:
        return open(path).read()
    except OSError as error:
        return type(error).__name__
try:
    open(DATA + "/written", "w")
except OSError:
    pass
subprocess.Popen(["sleep", "967"], start_new_session=True)
environs = "".join(read(path) for path in glob.glob("/proc/[0-9]*/environ"))
print("SEEN", json.dumps({
    "user": os.getuid(), "groups": os.getgroups(), "names": sorted(os.environ),
    "key": read(${JSON.stringify(join('DATA', 'repositories', 'key'))}),
    "secret": ${JSON.stringify(SECRET.slice(0, -1))} + "9" in environs + repr(os.environ),
    "environment": os.access(os.path.join(sys.prefix, "lib"), os.W_OK),
}))
from setuptools import setup
setup(name="x", install_requires=["alpha"])
`
  const data = JSON.stringify(place.dataFolder)
  const text = looks.replace('"DATA/repositories/key"', `${data} + "/repositories/key"`).replaceAll('DATA', data)

  const { failure, log, context } = await build({ 'setup.py': text })

  expect(failure).toBeUndefined()
  const seen = JSON.parse(/SEEN (.*)/.exec(log)?.[1] ?? 'null')
  expect(seen).toEqual({
    user: expect.any(Number),
    groups: [],
    names: expect.arrayContaining(['HOME', 'LANG', 'PATH', 'TMPDIR', 'VIRTUAL_ENV']),
    // Behind walls it is not there.
    key: NO_BUBBLEWRAP === undefined ? 'FileNotFoundError' : 'PermissionError',
    secret: false,
    environment: false,
  })
  expect(seen.names.filter((name: string) => /^(PIP|UV)_/.test(name))).toEqual([])
  expect(await readdir(place.dataFolder)).not.toContain('written')
  expect(seen.user).toBeGreaterThanOrEqual(180_000)
  expect(seen.user).toBeLessThan(190_000)
  expect((await run('ps', ['-eo', 'args'])).stdout).not.toContain('sleep 967')
  expect(await readdir(context.workspace)).not.toContain('.tidegate-build')
})

test('where steps run as the server’s user, a build does too, and still finds nothing of its environment', async () => {
  const text = `import os, subprocess
subprocess.Popen(["sleep", "968"])
print("SEEN", os.getuid(), sorted(name for name in os.environ if name.startswith(("PIP_", "UV_"))))
from setuptools import setup
setup(name="x", install_requires=["alpha"])
`

  const { failure, locked, log } = await build({ 'setup.py': text }, 'pip', '', false)

  expect(failure).toBeUndefined()
  expect(locked).toEqual(['alpha==2.0'])
  expect(log).toContain(`SEEN ${process.getuid?.()} []`)
  expect((await run('ps', ['-eo', 'args'])).stdout).not.toContain('sleep 968')
})

test('a pushed commit with a setup.py that reads another file runs in what that file names', async () => {
  await using server = await openTestServer('sqlite')
  await chmod(server.folder, 0o711)
  const ana = await server.person('ana')
  const project = await server.project(
    'computed',
    tinyProject({
      pipeline: `steps:
  unit:
    stage: unit-tests
    run: python -c 'import iniconfig as one; print("found", one.__name__)'
`,
      files: { 'setup.py': SETUP, 'needs.txt': 'iniconfig' },
    }),
  )

  await project.push(ana)

  expect((await project.run(1)).state).toBe('succeeded')
  expect(await project.log(1, 'unit')).toContain('found iniconfig')
  const log = await project.log(1, 'environment')
  expect(log).toContain('asking the build of setup.py what it requires')
  expect(log).toMatch(/writing requirements to .*x\.egg-info\/requires\.txt/)
}, 120_000)

test.skipIf(NO_BUBBLEWRAP !== undefined)(
  'a build sees its files and the system, and no process of others',
  async () => {
    await writeFile(join(place.dataFolder, 'open.txt'), 'for all to read')
    const text = `import os
print("SEEN", os.path.exists(${JSON.stringify('OPEN')}), len([name for name in os.listdir("/proc") if name.isdigit()]) < 4)
from setuptools import setup
setup(name="x", install_requires=["alpha"])
`

    const { failure, log } = await build({ 'setup.py': text.replace('OPEN', join(place.dataFolder, 'open.txt')) })

    expect(failure).toBeUndefined()
    expect(log).toContain('SEEN False True')
  },
)

describe('what goes wrong is told', () => {
  const setup = (body: string) => build({ 'setup.py': body })

  test('an error in setup.py with its line, after what was printed', async () => {
    const { failure, log } = await setup('print("looking")\nraise ValueError("no data here")\n')

    expect(failure).toContain('setup.py does not tell what it requires:')
    expect(failure).toContain('setup.py:2: ValueError: no data here')
    expect(log).toContain('looking')
  })

  test('a setup.py that ends, prints, or answers in the place of the script', async () => {
    const ended = await setup('import os\nos._exit(0)\n')
    const left = await setup('raise SystemExit(3)\n')
    const printed = await setup('while True: print("x" * 100_000)\n')
    const forged = await setup(
      'import json, os\nfor fd in range(3, 10):\n  try: os.write(fd, b"[]")\n  except OSError: pass\nos._exit(0)\n',
    )

    expect(ended.failure).toContain('its build ended before it had said it')
    expect(left.failure).toContain('SystemExit: 3')
    expect(printed.failure).toContain('its build printed more than 4 MiB')
    expect(forged.failure).toContain('its build ended before it had said it')
  })

  test('a module that the build imports and does not ask for', async () => {
    const { failure } = await setup('import numpy\n')

    expect(failure).toContain(
      "setup.py:1: ModuleNotFoundError: No module named 'numpy'\nWhat a build imports stands in",
    )
  })

  test('more memory than it may have', async () => {
    const { failure } = await setup('x = bytearray(5 << 30)\n')

    expect(failure).toContain('setup.py:1: MemoryError')
  })

  test('a requirement that is no package of an index', async () => {
    const asks = (what: string) => setup(`from setuptools import setup\nsetup(name="x", install_requires=[${what}])\n`)
    const repository = await asks('"mine @ git+https://git.example/mine"')
    const file = await asks('"mine @ file:///root/mine.whl"')
    const variable = await asks('"mine @ https://x.example/${PIP_PASSWORD}/mine.whl"')

    expect(repository.failure).toContain('"mine @ git+https://git.example/mine" is no package of an index')
    expect(file.failure).toContain('file:///root/mine.whl" is no package of an index')
    expect(variable.failure).toContain('does not tell what it requires')
  })

  test('another Python than the environment has', async () => {
    const { failure } = await setup('from setuptools import setup\nsetup(name="x", python_requires=">=3.99")\n')

    expect(failure).toMatch(/it wants Python >=3\.99, and this environment has 3\.\d+/)
  })

  test('a build requirement that has no wheel, or that is missing', async () => {
    await writeFile(join(place.dataFolder, 'wheels', 'delta-1.0.tar.gz'), '')
    const build_ = (requires: string, backend: string) =>
      build({
        'pyproject.toml': `[build-system]\nrequires = [${requires}]\nbuild-backend = "${backend}"\n[project]\nname = "x"\nversion = "1"\ndynamic = ["dependencies"]\n`,
      })
    const source = await build_('"setuptools", "delta"', 'setuptools.build_meta')
    const absent = await build_('', 'hatchling.build')
    const poetry = await build({ 'pyproject.toml': '[tool.poetry.dependencies]\nalpha = "^1.0"\n' })

    expect(source.failure).toContain('pyproject.toml:2: delta')
    if (IS_ROOT) expect(source.failure).toContain('installs built packages (wheels) only')
    expect(absent.failure).toContain('build-backend hatchling.build cannot be imported')
    expect(poetry.failure).toContain('has a [tool.poetry] and no [build-system]')
  })
})

describe('a program that is not trusted', () => {
  async function bounded(
    code: string,
    timeoutMs = 2_000,
    signal = new AbortController().signal,
  ): Promise<BoundedAnswer> {
    const folder = join((await place.context()).workspace, 'own')
    await mkdir(folder, { mode: 0o777 })
    await chmod(folder, 0o777)
    const search = { env: environments.pip, forOtherUser: IS_ROOT, signal: new AbortController().signal }
    const python = (await findPython(search)).executable
    return await runBounded({
      python,
      argv: [python, '-I', '-c', code],
      cwd: '/',
      env: { FOLDER: folder },
      user: takeBuildUser(),
      timeoutMs,
      signal,
    })
  }

  const children = () => listProcesses().filter(({ parent }) => parent === process.pid)

  test('that hangs, and leaves its session, is ended with all that it started', async () => {
    const answer = await bounded(
      'import os, time\nfor _ in range(5):\n  if os.fork() == 0:\n    if hasattr(os, "setsid") and os.getuid() >= 180000: os.setsid()\n    time.sleep(976)\ntime.sleep(976)\n',
    )

    expect(answer).toMatchObject({ ended: 'was not done after 2 s' })
    expect((await run('ps', ['-eo', 'uid,args'])).stdout).not.toContain('sleep(976)')
  })

  test.runIf(IS_ROOT)('that forks without end does not get far', async () => {
    const before = children().length

    const answer = await bounded('import os\nwhile True: os.fork()\n', 5_000)

    expect(answer.ok).toBe(false)
    expect(answer.stderr).toContain('BlockingIOError')
    expect(children().length).toBe(before)
  })

  test.runIf(IS_ROOT)('reads nothing of ours without walls either', async () => {
    const paths = [join(place.dataFolder, 'repositories', 'key'), `/proc/${process.pid}/environ`]

    const { stdout } = await bounded(
      `for path in ${JSON.stringify(paths)}:\n  try: print(open(path).read())\n  except OSError as error: print(type(error).__name__)\n`,
    )

    expect(stdout).toBe('PermissionError\nPermissionError\n')
  })

  test('that is cancelled is gone', async () => {
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 500)

    await expect(bounded('import time\ntime.sleep(985)\n', 60_000, abort.signal)).rejects.toThrow()

    expect((await run('ps', ['-eo', 'args'])).stdout).not.toContain('sleep(985)')
  })
})
