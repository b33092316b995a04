import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { listArtifacts } from '../../src/api/artifacts.ts'
import { getBillOfMaterials, getLineage } from '../../src/api/versions.ts'
import { createBuildImageTask, type BuildImageInput } from '../../src/build/build-image.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { openCommandPlace, writeFiles } from '../cli/command.ts'
import { openTestServer } from '../harness/server.ts'
import { openTaskPlace, type TaskPlace } from '../harness/task-context.ts'
import { tinyProject } from '../harness/tiny-project.ts'
import { IS_ROOT } from '../harness/is-root.ts'

const run = promisify(execFile)
const DOCKERFILE = 'FROM scratch\nCOPY hello.txt /hello.txt\n'

/** A real buildah on a store of its own. `FROM scratch` needs no registry. */
let place: TaskPlace
let storage: string
let env: Record<string, string>

beforeAll(async () => {
  place = await openTaskPlace()
  storage = await mkdtemp(join(tmpdir(), 'tidegate-images-'))
  const settings = `[storage]\ndriver = "vfs"\ngraphroot = "${storage}/root"\nrunroot = "${storage}/run"\n`
  await writeFile(join(storage, 'storage.conf'), settings)
  env = {
    PATH: process.env['PATH'] ?? '',
    HOME: storage,
    CONTAINERS_STORAGE_CONF: join(storage, 'storage.conf'),
    SOURCE_DATE_EPOCH: '1700000000',
  }
})
afterAll(async () => {
  await place[Symbol.asyncDispose]()
  await rm(storage, { recursive: true, force: true })
})

async function build(
  files: Record<string, string>,
  { input = {}, more = {} }: { input?: Partial<BuildImageInput>; more?: Record<string, string> } = {},
) {
  const context = await place.context()
  await writeFiles(context.workspace, files)
  const task = createBuildImageTask({ env: { ...env, ...more }, isRoot: IS_ROOT })
  const output = await task.run({ file: 'Dockerfile', context: '.', ...input }, context)
  return { output, lines: context.lines, context }
}

test('an image is an OCI layout with its digest, and the same files give the same one', async () => {
  const first = await build({ Dockerfile: DOCKERFILE, 'hello.txt': 'hi\n' })
  const again = await build({ Dockerfile: DOCKERFILE, 'hello.txt': 'hi\n' })
  const other = await build({ Dockerfile: DOCKERFILE, 'hello.txt': 'ho\n' })

  expect(first.output.failure).toBeUndefined()
  const { result, outs } = first.output
  expect(result).toMatchObject({ builder: 'buildah' })
  expect(first.lines.join('\n')).toMatch(/building Dockerfile with buildah version[^]*STEP 2\/2: COPY hello\.txt/)
  const files = await first.context.artifacts.filesOf(outs!['image.oci/']!)
  const manifest = files.find(({ path }) => path === `blobs/sha256/${result!.digest.replace('sha256:', '')}`)
  expect(manifest?.digest).toBe(result!.digest)
  const { layers } = JSON.parse((await first.context.artifacts.read(manifest!.digest)).toString()) as {
    layers: { digest: `sha256:${string}` }[]
  }
  await writeFile(join(storage, 'layer.tar.gz'), await first.context.artifacts.read(layers[0]!.digest))
  expect((await run('tar', ['-xOzf', join(storage, 'layer.tar.gz'), 'hello.txt'])).stdout).toBe('hi\n')
  expect(again.output.result?.digest).toBe(result!.digest)
  expect(other.output.result?.digest).not.toBe(result!.digest)
})

test('a stage and a context of a Dockerfile are taken as they are named', async () => {
  const { output } = await build(
    {
      'docker/Dockerfile.serve': 'FROM scratch AS small\nCOPY a /a\nFROM scratch\nCOPY no-such-file /b\n',
      'serving/a': 'a',
    },
    { input: { file: 'docker/Dockerfile.serve', context: 'serving', target: 'small' } },
  )

  expect(output.failure).toBeUndefined()
})

test('what a Dockerfile copies and is not there is quoted, with what it may see', async () => {
  const { output } = await build({ Dockerfile: 'FROM scratch\nCOPY model.onnx /\n' })

  expect(output.failure?.message).toMatch(/The image cannot be built:[^]*model\.onnx[^]*those that `deps` names/)
})

/** A machine with these programs alone. */
async function machineWith(name: string, programs: Record<string, string>): Promise<{ PATH: string }> {
  const folder = join(storage, name)
  await mkdir(folder)
  for (const [program, script] of Object.entries(programs)) {
    await writeFile(join(folder, program), script)
    await chmod(join(folder, program), 0o755)
  }
  return { PATH: folder }
}

test('a machine without a builder is told what it lacks; a Docker client alone is none', async () => {
  const bare = await machineWith('bare', {})
  const found = await run('sh', ['-c', 'command -v docker']).catch(() => ({ stdout: '' }))
  const client = found.stdout.trim()
  const said = 'Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?'
  const lone = await machineWith(
    'docker-client-alone',
    client === '' ? { docker: `#!/bin/sh\necho '${said}' >&2\nexit 1\n` } : {},
  )
  if (client !== '') await symlink(client, join(lone.PATH, 'docker'))

  const none = await build({ Dockerfile: DOCKERFILE }, { more: bare })
  const alone = await build({ Dockerfile: DOCKERFILE }, { more: { ...lone, DOCKER_HOST: 'unix:///nowhere' } })

  expect(none.output.failure).toMatchObject({
    reason: 'refused',
    message: expect.stringMatching(
      /buildah is not installed; podman is not installed; docker is not installed\. Install/,
    ),
  })
  expect(alone.output.failure?.message).toMatch(
    /docker is installed, but its engine does not answer \(Cannot connect to the Docker daemon at unix:\/\/\/nowhere/,
  )
})

test('of Docker the archive that it saves is taken apart (a stand-in over buildah: there is no engine here)', async () => {
  const { stdout } = await run('sh', ['-c', 'command -v buildah; command -v tar'])
  const [buildah = '', tar = ''] = stdout.trim().split('\n')
  const standIn = `#!/bin/sh
case "$1" in
  version) echo 'Docker 28.0 (stand-in over buildah)' ;;
  build) shift; args=''; while [ $# -gt 0 ]; do case "$1" in --quiet) ;; *) args="$args $1" ;; esac; shift; done
    exec ${buildah} build --format oci --timestamp 1700000000 $args ;;
  save) exec ${buildah} push --quiet "$4" "oci-archive:$3" ;;
  rmi) exec ${buildah} rmi "$2" ;;
esac
`
  const machine = await machineWith('docker-stand-in-over-buildah', { docker: standIn })
  await symlink(tar, join(machine.PATH, 'tar'))

  const { output } = await build({ Dockerfile: DOCKERFILE, 'hello.txt': 'hi\n' }, { more: machine })
  const real = await build({ Dockerfile: DOCKERFILE, 'hello.txt': 'hi\n' })

  expect(output.failure).toBeUndefined()
  expect(output.result).toMatchObject({ builder: 'docker', digest: real.output.result?.digest })
})

/** The Dockerfile brings one program with its libraries: no registry is asked for a base. */
async function buildWithRun(more: Record<string, string>) {
  const context = await place.context()
  const { stdout } = await run('ldd', ['/bin/touch'])
  const libraries = Array.from(stdout.matchAll(/\/\S+\.so\S*/g), ([path]) => path)
  const program = join(context.workspace, 'program')
  await mkdir(program)
  await run('cp', ['--parents', '--dereference', '/bin/touch', ...libraries, program])
  await writeFiles(context.workspace, { Dockerfile: 'FROM scratch\nCOPY program /\nRUN ["/bin/touch", "/made"]\n' })
  const task = createBuildImageTask({ env: { ...env, ...more }, isRoot: IS_ROOT })
  return { output: await task.run({ file: 'Dockerfile', context: '.' }, context), lines: context.lines }
}

test('a RUN runs in the container runtime of the machine', async () => {
  const { output } = await buildWithRun({})

  expect(output.failure).toBeUndefined()
  expect(output.result).toMatchObject({ builder: 'buildah' })
})

test('where crun refuses the control groups runc is taken, and named where it is missing', async () => {
  const { stdout } = await run('sh', ['-c', 'command -v buildah; command -v runc'])
  const [buildah = '', runc = ''] = stdout.trim().split('\n')
  // What crun says on a machine of both versions, so that this one need not be such.
  const standIn = `#!/bin/sh
PATH='${env['PATH']}'
case "$*" in
  "build --runtime runc "* | --version | push* | rmi*) exec ${buildah} "$@" ;;
  *) echo 'error running container: from /usr/bin/crun creating container for [/bin/touch /made]: cgroups in hybrid mode not supported, drop all controllers from cgroupv2' >&2; exit 1 ;;
esac
`
  const alone = await machineWith('crun-alone', { buildah: standIn })
  const both = await machineWith('crun-and-runc', { buildah: standIn })
  await symlink(runc, join(both.PATH, 'runc'))

  const refused = await buildWithRun(alone)
  const built = await buildWithRun(both)

  expect(refused.output.failure?.message).toMatch(/cgroups in hybrid mode[^]*runc can[^]*apt-get install runc/)
  expect(built.output.failure).toBeUndefined()
  expect(built.lines.join('\n')).toContain('building again with runc')
})

test('the image of a local run is put beside its outs', async () => {
  await using shell = await openCommandPlace()
  const folder = await shell.repository('local', {
    'tidegate.yaml': 'build: { image: { deps: [hello.txt] } }\nsteps: { train: { run: ls } }\n',
    Dockerfile: DOCKERFILE,
    'hello.txt': 'hi\n',
  })
  const made = join(storage, 'made')

  const { stdout } = await shell.tidegate(folder, ['run', '--outs', made], {
    CONTAINERS_STORAGE_CONF: env['CONTAINERS_STORAGE_CONF'] ?? '',
  })

  expect(stdout).toContain('Written: image.oci/\n')
  const { manifests } = JSON.parse(await readFile(join(made, 'image.oci/index.json'), 'utf8')) as {
    manifests: { digest: string }[]
  }
  const blob = await readFile(join(made, 'image.oci/blobs/sha256', manifests[0]?.digest.replace('sha256:', '') ?? ''))
  expect(sha256(blob)).toBe(manifests[0]?.digest)
})

test('an image with the model in it is built after training, fetched as an archive, and stands with the version', async () => {
  vi.stubEnv('CONTAINERS_STORAGE_CONF', env['CONTAINERS_STORAGE_CONF'])
  await using server = await openTestServer('sqlite')
  await using shell = await openCommandPlace()
  const ana = await server.person('ana')
  const project = await server.project(
    'shipped',
    tinyProject({
      pipeline: `build: { image: { deps: [model.onnx] } }
model: { path: model.onnx }
steps:
  train: { run: cp models/one.onnx model.onnx, deps: [models/one.onnx], outs: [model.onnx] }
`,
      files: { Dockerfile: 'FROM scratch\nCOPY model.onnx /model.onnx\n' },
    }),
  )
  await project.push(ana)
  const params = { project: 'shipped', number: 1 }

  const archive = join(storage, 'image.tar')
  const fetched = await shell.tidegate(shell.folder, ['artifact', 'get', 'shipped/1', 'image.oci', '-o', archive], {
    TIDEGATE_SERVER: server.server.address,
    TIDEGATE_TOKEN: ana.token,
  })
  const pulled = await run('buildah', ['pull', `oci-archive:${archive}`], { env })
  vi.unstubAllEnvs()

  expect((await project.run(1)).steps.find(({ key }) => key === 'build:image')).toMatchObject({
    stage: 'train',
    state: 'succeeded',
  })
  expect(fetched.code).toBe(0)
  expect(pulled.stdout.trim()).toMatch(/^[0-9a-f]{64}$/)
  const { artifacts } = await ana.client.call(listArtifacts, { params })
  expect(artifacts).toContainEqual(expect.objectContaining({ step: 'build:image', path: 'image.oci/', kind: 'folder' }))
  const version = { params: { project: 'shipped', version: 1 } }
  const { image } = await ana.client.call(getLineage, version)
  const index = JSON.parse((await run('tar', ['-xOf', archive, 'index.json'])).stdout) as {
    manifests: { digest: string }[]
  }
  expect(image).toBe(index.manifests[0]?.digest)
  const manifest = await run('tar', ['-xOf', archive, `blobs/sha256/${image?.replace('sha256:', '')}`])
  expect(sha256(manifest.stdout)).toBe(image)
  const bill = await ana.client.call(getBillOfMaterials, version)
  expect(bill['components']).toContainEqual(expect.objectContaining({ type: 'container', version: image }))
  await run('buildah', ['rmi', '--all', '--force'], { env })
  expect(await readFile(archive)).not.toHaveLength(0)
})
