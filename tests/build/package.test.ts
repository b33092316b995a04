import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listArtifacts } from '../../src/api/artifacts.ts'
import { getBillOfMaterials, getLineage } from '../../src/api/versions.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { openCommandPlace, type CommandPlace, type Outcome } from '../cli/command.ts'
import { openTestServer, type TestPerson, type TestProject, type TestServer } from '../harness/server.ts'
import { tinyProject } from '../harness/tiny-project.ts'

const run = promisify(execFile)
const WHEEL = 'dist/demo_pkg-1.2-py3-none-any.whl'

const PYPROJECT = `[build-system]
requires = ["setuptools>=64"]
build-backend = "setuptools.build_meta"

[project]
name = "demo-pkg"
version = "1.2"
`

let shell: CommandPlace

beforeAll(async () => {
  shell = await openCommandPlace()
})
afterAll(() => shell[Symbol.asyncDispose]())

describe('on a server', () => {
  let place: TestServer
  let ana: TestPerson
  let project: TestProject

  beforeAll(async () => {
    place = await openTestServer('sqlite')
    ana = await place.person('ana')
    const pipeline = `build: { package: true }
model: { path: model.onnx }
steps:
  installed:
    stage: unit-tests
    deps: [dist/]
    run: |
      python -m zipfile -e dist/*.whl unpacked
      cd unpacked && python -c 'import demo_pkg; print("answer", demo_pkg.ANSWER)'
  train: { run: cp models/one.onnx model.onnx, deps: [models/one.onnx], outs: [model.onnx] }
`
    project = await place.project(
      'packed',
      tinyProject({
        pipeline,
        files: { 'pyproject.toml': PYPROJECT, 'src/demo_pkg/__init__.py': 'ANSWER = 42\n', 'models/.keep': '' },
      }),
    )
    await project.push(ana)
  })
  afterAll(() => place[Symbol.asyncDispose]())

  function tidegate(...args: string[]): Promise<Outcome> {
    return shell.tidegate(shell.folder, args, { TIDEGATE_SERVER: place.server.address, TIDEGATE_TOKEN: ana.token })
  }

  test('the wheel is an out that steps read and people fetch, and stands with the version', async () => {
    const first = await project.run(1)
    const shown = await tidegate('show', 'packed/1')
    const fetched = await tidegate('artifact', 'get', 'packed/1', WHEEL, '--output', join(shell.folder, 'demo.whl'))
    const again = await tidegate('artifact', 'get', 'packed/1', WHEEL, '--output', join(shell.folder, 'demo.whl'))
    const { artifacts } = await ana.client.call(listArtifacts, { params: { project: 'packed', number: 1 } })
    const lineage = await ana.client.call(getLineage, { params: { project: 'packed', version: 1 } })
    const bill = await ana.client.call(getBillOfMaterials, { params: { project: 'packed', version: 1 } })

    expect(first.state).toBe('succeeded')
    expect(await project.log(1, 'installed')).toContain('answer 42')
    expect(shown.stdout).toMatch(/^dist\/demo_pkg-1\.2-py3-none-any\.whl +build:package +1 /m)
    expect(fetched).toMatchObject({ code: 0, stdout: expect.stringContaining('demo.whl') })
    expect(again.code).toBe(0)
    const digest = sha256(await readFile(join(shell.folder, 'demo.whl')))
    expect(artifacts).toContainEqual(
      expect.objectContaining({ path: WHEEL, step: 'build:package', kind: 'file', digest }),
    )
    expect(lineage.wheel).toEqual({ file: 'demo_pkg-1.2-py3-none-any.whl', digest })
    expect(JSON.stringify(bill)).toContain(digest.replace('sha256:', ''))
    expect(bill['components']).toContainEqual(expect.objectContaining({ name: 'demo_pkg', version: '1.2' }))
  })

  test('a wheel that is built again is the same to the byte, and is not built again for nothing', async () => {
    const rerun = await tidegate('rerun', 'packed/1', '--from', 'build:package')
    await project.ended(2)
    await project.commit({ 'src/demo_pkg/__init__.py': 'ANSWER = 43\n' })
    await project.push(ana)
    await project.commit({ 'src/demo_pkg/__init__.py': 'ANSWER = 42\n' })
    await project.push(ana)

    const digests = await Promise.all(
      [1, 2, 3, 4].map(async (number) => {
        const { artifacts } = await ana.client.call(listArtifacts, { params: { project: 'packed', number } })
        return artifacts.find(({ path }) => path === WHEEL)?.digest
      }),
    )
    expect(rerun.code).toBe(0)
    const steps = (await project.run(4)).steps
    expect((await project.run(2)).steps.find(({ key }) => key === 'build:package')?.cache).not.toBe('hit')
    expect(steps.find(({ key }) => key === 'build:package')).toMatchObject({ cache: 'hit' })
    expect(digests[1]).toBe(digests[0])
    expect(digests[2]).not.toBe(digests[0])
    expect(digests[3]).toBe(digests[0])
  })

  test('a folder comes as a tar archive; what is not there is said, with what there is', async () => {
    const archive = await tidegate('artifact', 'get', 'packed/1', 'dist', '--output', join(shell.folder, 'dist.tar'))
    const { stdout } = await run('tar', ['-tvf', join(shell.folder, 'dist.tar')])
    const missing = await tidegate('artifact', 'get', 'packed/1', 'dist/other.whl')

    expect(archive.code).toBe(0)
    expect(stdout).toContain('demo_pkg-1.2-py3-none-any.whl')
    expect(missing.stderr).toContain(`It has ${WHEEL}, model.onnx`)
    expect(existsSync(join(shell.folder, 'other.whl'))).toBe(false)
  })

  test('whoever may only look is not given content', async () => {
    const kim = await place.person('kim', 'viewer')

    const refused = await shell.tidegate(shell.folder, ['artifact', 'get', 'packed/1', WHEEL], {
      TIDEGATE_SERVER: place.server.address,
      TIDEGATE_TOKEN: kim.token,
    })

    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('developer')
  })
})

/** A backend in the project itself: nothing has to be fetched. */
function ownBackend(body: string, more = ''): Record<string, string> {
  return {
    'tidegate.yaml': 'build: { package: true }\nsteps: { other: { run: "true" } }\n',
    'pyproject.toml': `[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["backend"]\n${more}`,
    'backend/own.py': body,
  }
}

const EMPTY_WHEEL = `import zipfile
def build_wheel(folder, settings=None, metadata=None):
    name = "x-1-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("x-1.dist-info/METADATA", "Name: x\\nVersion: 1\\n")
    return name
`

describe('what goes wrong', () => {
  async function packed(name: string, files: Record<string, string>, ...args: string[]): Promise<Outcome> {
    return shell.tidegate(await shell.repository(name, files), ['run', ...args])
  }

  /** Of the newest attempt of a step in any folder. */
  async function logOf(step: string): Promise<string> {
    const { stdout } = await run('sh', [
      '-c',
      `cat $(ls -t ${shell.data}/local/*/attempts/*/*/${step}*/1/log | head -n 1)`,
    ])
    return stdout
  }

  test('a backend that fails is quoted in one line, after what it printed', async () => {
    const { code, stdout } = await packed(
      'fails',
      ownBackend(
        'def build_wheel(folder, *more):\n    print("looking")\n    raise ValueError("no such thing as a wheel")\n',
      ),
    )

    expect(code).toBe(1)
    expect(stdout).toMatch(/\| looking\n.*\| The wheel cannot be built: ValueError: no such thing as a wheel/)
  })

  test('what a backend wants besides is named, with where to write it', async () => {
    const { stdout } = await packed(
      'wants',
      ownBackend(`${EMPTY_WHEEL}def get_requires_for_build_wheel(settings=None): return ["cmake>=3.15"]\n`),
    )

    expect(stdout).toContain('its backend wants cmake>=3.15 besides: add it to [build-system] requires')
  })

  test('a version that comes from git is told of, with what to do', async () => {
    const { stdout } = await packed(
      'versioned',
      ownBackend('def build_wheel(*all): raise LookupError("setuptools-scm was unable to detect version for /x")\n'),
    )

    expect(stdout).toContain('fallback_version in [tool.setuptools_scm]')
  })

  test('a wheel that holds nothing is a warning in its log', async () => {
    const { code, stdout } = await packed('nothing', ownBackend(EMPTY_WHEEL))

    expect(stdout).toMatch(/build:package +succeeded/)
    expect(code).toBe(0)
    expect(await logOf('build-package')).toContain('warning: it holds no file but its own description')
  })

  test('a requirement of the build that nobody has is named with its line', async () => {
    const { stdout } = await packed('unknown', {
      ...ownBackend(EMPTY_WHEEL),
      'pyproject.toml': '[build-system]\nrequires = [\n  "no-such-thing-at-all>=1",\n]\n',
    })

    expect(stdout).toContain('pyproject.toml:3: no-such-thing-at-all>=1')
  })

  test('a requires that is no list, or names a file, is refused', async () => {
    const { stdout } = await packed('local', {
      ...ownBackend(EMPTY_WHEEL),
      'pyproject.toml': '[build-system]\nrequires = ["-r other.txt"]\n',
    })

    expect(stdout).toContain("[build-system] requires '-r other.txt', which is no package of an index")
  })

  test('without a project there is nothing to build, and lint says so', async () => {
    const folder = await shell.repository('none', {
      'tidegate.yaml': 'build: { package: { path: core } }\nsteps: { other: { run: "true" } }\n',
    })

    const { code, stdout } = await shell.tidegate(folder, ['lint'])

    expect(code).toBe(1)
    expect(stdout).toContain('there is neither core/pyproject.toml nor core/setup.py in the commit')
  })

  test('another step that writes dist/ is refused', async () => {
    const folder = await shell.repository('twice', {
      ...ownBackend(EMPTY_WHEEL),
      'tidegate.yaml':
        'build: { package: true }\nsteps: { mine: { run: make, deps: [pyproject.toml], outs: [dist/] } }\n',
    })

    const { stdout } = await shell.tidegate(folder, ['lint'])

    expect(stdout).toMatch(/"dist" is already made by/)
  })
})
