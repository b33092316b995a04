import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { failureOf, type Task, type TaskContext, type TaskOutput } from '../core/task.ts'
import type { ArtifactRef } from '../core/tree.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import { IMAGE_FOLDER } from '../pipeline/task-keys.ts'
import { findImageBuilder, type ImageBuilder, type ImageBuilderKind } from './find-image-builder.ts'
import { runTool, type ToolAnswer } from './run-tool.ts'

export type BuildImageInput = TaskInputs['build-image']

export interface BuildImageResult {
  /** Of its manifest: what registries know it by. */
  readonly digest: string
  /** An OCI layout. */
  readonly layout: ArtifactRef
  readonly builder: ImageBuilderKind
}

export interface BuildImageOutput extends TaskOutput {
  readonly result?: BuildImageResult
}

export interface BuildImageDeps {
  /** PATH, HOME, proxies, where engines listen, SOURCE_DATE_EPOCH. */
  readonly env: Readonly<Record<string, string>>
  /** We are root: what a Dockerfile runs must then be shut in by a container runtime. */
  readonly isRoot: boolean
}

interface Place extends BuildImageDeps {
  readonly context: TaskContext
  readonly builder: ImageBuilder
}

/** One container image of the Dockerfile and the files that stand in the workspace, as an OCI layout. */
export function createBuildImageTask(deps: BuildImageDeps): Task<BuildImageInput, BuildImageOutput> {
  return {
    name: 'build-image',
    async run(input, context) {
      try {
        const builder = await findImageBuilder({ env: deps.env, signal: context.signal })
        context.log(`building ${input.file} with ${builder.version}`)
        return await build(input, { ...deps, context, builder })
      } catch (error) {
        return failureOf(error)
      }
    },
  }
}

async function build(input: BuildImageInput, place: Place): Promise<BuildImageOutput> {
  const { context, builder } = place
  const folder = join(context.workspace, '.tidegate-image')
  const idFile = join(context.workspace, '.tidegate-image-id')
  await buildWithRuntime(place, [...buildArgs(place, idFile), '--file', input.file, ...targetOf(input), input.context])
  const id = (await readFile(idFile, 'utf8')).trim()
  try {
    await mkdir(folder)
    await (builder.kind === 'docker' ? saveWithDocker(id, folder, place) : saveLayout(id, folder, place))
  } finally {
    // Base images stay in the builder's own store; what was made of them is in ours.
    await call(place, ['rmi', id])
  }
  const digest = await manifestDigest(folder)
  const layout = await context.artifacts.putFolder(folder)
  context.log(`image ${digest}, ${layout.size} bytes`)
  return { outs: { [IMAGE_FOLDER]: layout }, result: { digest, layout, builder: builder.kind } }
}

function targetOf({ target }: BuildImageInput): string[] {
  return target === undefined ? [] : ['--target', target]
}

/** Dates are the commit's, so that the same files give the same image as far as its commands do. */
function buildArgs({ builder, env, isRoot }: Place, idFile: string): string[] {
  const epoch = env['SOURCE_DATE_EPOCH']
  const shared = ['build', '--iidfile', idFile]
  if (builder.kind === 'docker')
    return [...shared, '--quiet', ...(epoch === undefined ? [] : ['--build-arg', `SOURCE_DATE_EPOCH=${epoch}`])]
  const dates = epoch === undefined ? [] : ['--timestamp', epoch]
  // Their other way, a change of root alone, would let a Dockerfile see our processes as root.
  const walls = isRoot ? ['--isolation', 'oci'] : []
  return [...shared, '--format', 'oci', '--layers=false', ...dates, ...walls]
}

/** crun, which buildah and podman take first, refuses control groups of both versions side by side; runc does not. */
const CRUN_REFUSES = /cgroups in hybrid mode not supported/

async function buildWithRuntime(place: Place, args: readonly string[]): Promise<void> {
  const { builder, context } = place
  const answer = await call(place, args)
  if (answer.ok) return
  const isRefused = builder.kind !== 'docker' && CRUN_REFUSES.test(answer.stderr)
  if (!isRefused || !(await hasRunc(place))) throw cannotBuild(answer, place)
  context.log('crun cannot work with the control groups of this machine: building again with runc')
  const [command = '', ...rest] = args
  await must(place, [command, '--runtime', 'runc', ...rest])
}

async function hasRunc({ context, env }: Place): Promise<boolean> {
  const { workspace: cwd, signal } = context
  return runTool({ program: 'runc', args: ['--version'], cwd, env, signal }).then(
    ({ ok }) => ok,
    () => false,
  )
}

async function saveLayout(id: string, folder: string, place: Place): Promise<void> {
  await must(place, ['push', '--quiet', id, `oci:${folder}:latest`])
}

/** From version 25 on the archive holds an OCI layout. */
async function saveWithDocker(id: string, folder: string, place: Place): Promise<void> {
  const { context, env } = place
  const archive = join(context.workspace, '.tidegate-image.tar')
  await must(place, ['save', '--output', archive, id])
  const args = ['-xf', archive, '-C', folder]
  const { ok, stderr } = await runTool({ program: 'tar', args, cwd: context.workspace, env, signal: context.signal })
  if (!ok) throw new AppError('UPSTREAM', `The archive that docker saved cannot be read: ${stderr.slice(-500)}`)
  await rm(archive)
}

async function manifestDigest(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'index.json'), 'utf8').catch((error: unknown) => {
    const message =
      'The image was saved in no OCI layout: Docker does that from version 25 on. Update it, or install buildah.'
    throw new AppError('INVALID_INPUT', message, {}, { cause: error })
  })
  const { manifests } = JSON.parse(text) as { manifests: readonly { digest: string }[] }
  const [first] = manifests
  if (first === undefined) throw new AppError('UPSTREAM', 'The builder saved a layout without an image.')
  return first.digest
}

function call({ builder, env, context }: Place, args: readonly string[]): Promise<ToolAnswer> {
  const { workspace: cwd, signal } = context
  const log = (line: string): void => context.log(line)
  return runTool({ program: builder.kind, args, cwd, env, signal, log, logOutput: log })
}

async function must(place: Place, args: readonly string[]): Promise<void> {
  const answer = await call(place, args)
  if (!answer.ok) throw cannotBuild(answer, place)
}

function cannotBuild(answer: ToolAnswer, place: Place): AppError {
  return new AppError('INVALID_INPUT', `The image cannot be built:\n${explain(answer, place)}`)
}

const HINTS: readonly { readonly when: RegExp; readonly say: string }[] = [
  {
    when: CRUN_REFUSES,
    say: 'A RUN needs a container runtime, and crun cannot work where control groups of versions 1 and 2 are mounted side by side, as on this machine. runc can, and is taken where it is installed: apt-get install runc.',
  },
  {
    when: /exec: no command|executable file not found.*(crun|runc)|could not find .*runtime/i,
    say: 'A RUN needs a container runtime, and this machine has none: apt-get install crun.',
  },
  {
    when: /short-name|did not resolve to an alias/i,
    say: 'Name the registry too: FROM docker.io/library/python:3.12-slim.',
  },
  {
    when: /no such file or directory|not found: .*(copy|add)|failed to compute cache key/i,
    say: 'A Dockerfile sees the files of the commit below its context, or those that `deps` names: add what is missing.',
  },
  {
    when: /dial tcp|no such host|i\/o timeout|connection refused/i,
    say: 'The registry cannot be reached from here: look at `network.proxy` of server.yaml, or at the builder’s own registries.conf.',
  },
]

const MOST_LINES = 15

function explain({ stdout, stderr }: ToolAnswer, { builder }: Place): string {
  const said = `${stdout}\n${stderr}`.trim().split('\n')
  const hint = HINTS.find(({ when }) => said.some((line) => when.test(line)))
  return [...said.slice(-MOST_LINES), ...(hint === undefined ? [`(${builder.version})`] : [hint.say])].join('\n')
}
