import { join } from 'node:path'
import { failureOf, type Provided, type Task, type TaskContext, type TaskOutput } from '../core/task.ts'
import type { ArtifactRef } from '../core/tree.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { sha256 } from '../lib/sha256.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import { adoptInterpreter } from './adopt-interpreter.ts'
import { checkSystemPackages } from './check-system-packages.ts'
import { computeRequirements } from './compute-requirements.ts'
import { findInstaller, type Installer } from './find-installer.ts'
import { findPython, type Python } from './find-python.ts'
import { installEnvironment } from './install-environment.ts'
import { keepLock, lockFile, readLock } from './kept-lock.ts'
import { readBuildSystem } from './read-build-system.ts'
import { readRequirements, type RequirementSet } from './read-requirements.ts'
import { resolveLock } from './resolve-lock.ts'

export type BuildEnvironmentInput = TaskInputs['build-environment']

export interface BuildEnvironmentResult {
  readonly name: string
  readonly lockDigest: string
  readonly lock: ArtifactRef
  /** `3.11.7`. */
  readonly python: string
  readonly platform: string
  readonly folder: string
  /** `interpreter`: given by the person, not made by us, and not rebuildable elsewhere. */
  readonly installer: 'uv' | 'pip' | 'interpreter'
  /** How many are locked. */
  readonly packages: number
  readonly cached: boolean
  readonly seconds: number
}

export interface BuildEnvironmentOutput extends TaskOutput {
  readonly result?: BuildEnvironmentResult
}

export interface BuildEnvironmentDeps {
  /** What tools (pip, uv, interpreters) are started with: PATH, HOME, proxies, PIP_* and UV_*. */
  readonly env: Readonly<Record<string, string>>
  /**
   * Steps run under another user (the server is root): interpreters must be readable by all, and only built
   * packages are taken, because building one runs its code with our rights.
   */
  readonly stepsRunAsOtherUser: boolean
}

interface Place extends BuildEnvironmentDeps {
  readonly context: TaskContext
  /** `<data>/environments`. */
  readonly root: string
}

type Built = Omit<BuildEnvironmentResult, 'name' | 'lock' | 'packages' | 'seconds'> & { readonly lockText: string }

/**
 * One build environment: dependencies resolved once to a full lock with hashes, installed once per lock,
 * Python and platform. The files in `dependencies` stand in the workspace.
 */
export function createBuildEnvironmentTask(
  deps: BuildEnvironmentDeps,
): Task<BuildEnvironmentInput, BuildEnvironmentOutput> {
  return {
    name: 'build-environment',
    async run(input, context) {
      const started = performance.now()
      try {
        const place = { ...deps, context, root: join(context.dataFolder, 'environments') }
        await checkSystemPackages(input.system, { cwd: context.workspace, env: deps.env, signal: context.signal })
        const built = await (input.interpreter === undefined
          ? build(input, place)
          : adoptInterpreter(input.interpreter, {
              asOtherUser: place.stepsRunAsOtherUser,
              env: place.env,
              signal: context.signal,
            }))
        return await report(input, built, place, started)
      } catch (error) {
        return failureOf(error)
      }
    },
  }
}

async function report(
  input: BuildEnvironmentInput,
  built: Built,
  { context }: Place,
  started: number,
): Promise<BuildEnvironmentOutput> {
  const { lockText, ...known } = built
  const lock = await context.artifacts.putBytes(lockText)
  const packages = countPackages(lockText)
  const seconds = (performance.now() - started) / 1_000
  const how = built.cached ? 'was there already' : `built with ${built.installer}`
  context.log(
    `environment "${input.name}": Python ${built.python}, ${packages} packages, ${how}, ${seconds.toFixed(1)} s`,
  )
  return { provides: provided(built), result: { name: input.name, ...known, lock, packages, seconds } }
}

function provided({ folder, installer, lockDigest, python, platform }: Built): Provided {
  const always = { PYTHONNOUSERSITE: '1', PYTHONDONTWRITEBYTECODE: '1' }
  return {
    env: installer === 'interpreter' ? always : { VIRTUAL_ENV: folder, ...always },
    path: [join(folder, 'bin')],
    cacheKey: `${lockDigest} python ${python} ${platform}`,
  }
}

async function build(input: BuildEnvironmentInput, place: Place): Promise<Built> {
  const { context, env, stepsRunAsOtherUser } = place
  const { signal, workspace } = context
  const listed = input.buildSystem === undefined ? await readRequirements(workspace, input.dependencies) : undefined
  const wanted = input.python ?? listed?.python
  const python = await findPython({
    ...(wanted === undefined ? {} : { wanted }),
    env,
    forOtherUser: stepsRunAsOtherUser,
    signal,
  })
  const tools = { python, installer: await findInstaller(python, env, signal) }
  const requirements =
    listed === undefined
      ? await readBuildSystem(input.buildSystem ?? '', python, { workspace, env, signal })
      : await computeRequirements(listed, {
          python,
          context,
          env,
          asOtherUser: stepsRunAsOtherUser,
          installBuildSystem: async (system) => (await install(system, tools, place)).folder,
        })
  return await install(requirements, tools, place)
}

interface Tools {
  readonly python: Python
  readonly installer: Installer
}

async function install(requirements: RequirementSet, { python, installer }: Tools, place: Place): Promise<Built> {
  const { context, stepsRunAsOtherUser, root } = place
  const { signal } = context
  const log = (line: string): void => context.log(line)
  const lockText = await lockOf(requirements, python, installer, place)
  const lockDigest = sha256(lockText)
  const key = sha256(canonicalJson([lockDigest, python.version, python.platform])).slice(
    'sha256:'.length,
    'sha256:'.length + 24,
  )
  const allowBuilds = !stepsRunAsOtherUser
  const installed = await installEnvironment({ key, root, lock: lockText, python, installer, allowBuilds, signal, log })
  return { ...installed, lockText, lockDigest, python: python.version, platform: python.platform }
}

/** Resolved once for the same files, Python, platform and index: what is on the index later changes nothing. */
async function lockOf(
  requirements: RequirementSet,
  python: Python,
  installer: Installer,
  place: Place,
): Promise<string> {
  const { context, root, stepsRunAsOtherUser } = place
  const { workspace, signal } = context
  const log = (line: string): void => context.log(line)
  const file = lockFile(root, { requirements, python, installer })
  const known = await readLock(file)
  if (known !== undefined) return known
  log(
    `resolving ${requirements.files.join(', ') || 'no dependencies'} for Python ${python.version} with ${installer.kind}`,
  )
  const lock = await resolveLock({
    requirements,
    python,
    installer,
    allowBuilds: !stepsRunAsOtherUser,
    workspace,
    signal,
    log,
  })
  return await keepLock(file, lock)
}

function countPackages(lock: string): number {
  return lock.split('\n').filter((line) => /^[A-Za-z0-9]/.test(line)).length
}
