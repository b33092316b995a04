import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findImageBuilder } from '../../../build/find-image-builder.ts'
import { toolEnvironment } from '../../../flow/tool-environment.ts'
import { whyNoBubblewrap } from '../../../lib/bubblewrap.ts'
import { describeControlGroups } from '../../../lib/control-group.ts'
import { lacking, missing, ok, type Check } from './check.ts'

/** Programs that we start. */
export async function checkTools(): Promise<Check[]> {
  const [git, uv, pythons, tar, bubblewrap] = await Promise.all([
    versionOf('git'),
    versionOf('uv'),
    findPythons(),
    versionOf('tar'),
    versionOf('bwrap'),
  ])
  return [
    ok('node', process.version),
    git === undefined
      ? missing('git', 'there is none on PATH', 'Install git: pushes are received with it.')
      : ok('git', git),
    checkPython(pythons, uv !== undefined),
    uv === undefined
      ? lacking(
          'uv',
          'there is none on PATH',
          'Environments are built with venv and pip, which takes longer: https://docs.astral.sh/uv',
        )
      : ok('uv', uv),
    tar === undefined
      ? lacking('tar', 'there is none on PATH', '`tidegate backup` and `restore` need it.')
      : ok('tar', tar),
    await checkBubblewrap(bubblewrap),
    await checkImageBuilder(),
    checkControlGroups(),
  ]
}

function checkPython(found: readonly string[], hasUv: boolean): Check {
  if (found.length > 0) return ok('python', found.join(', '))
  if (hasUv) return ok('python', 'none on PATH; uv fetches the one that `build.python` names')
  return missing(
    'python',
    'there is none on PATH, and no uv to fetch one',
    'Install Python 3.10 or newer with its venv module, or uv.',
  )
}

/** Under names that installations have; the same version under two names is told once. */
async function findPythons(): Promise<string[]> {
  const names = ['python3', ...Array.from({ length: 8 }, (_, minor) => `python3.${minor + 8}`)]
  const versions = await Promise.all(names.map((name) => versionOf(name)))
  return [...new Set(versions.flatMap((version) => version?.replace(/^Python /, '') ?? []))].sort()
}

/** Needed only where `server.yaml` says so. */
async function checkBubblewrap(version: string | undefined): Promise<Check> {
  if (version === undefined) return ok('bubblewrap', 'there is none: no sandbox around steps (`steps.sandbox`)')
  const why = await whyNoBubblewrap()
  return ok('bubblewrap', why === undefined ? `${version}, works` : `${version}, does not work here: ${why}`)
}

/** Needed only where a pipeline says `build.image`. */
async function checkImageBuilder(): Promise<Check> {
  try {
    const { env, secrets } = toolEnvironment(process.env)
    const place = { env: { ...env, ...secrets }, signal: AbortSignal.timeout(20_000) }
    return ok('image builder', (await findImageBuilder(place)).version)
  } catch (error) {
    return ok('image builder', error instanceof Error ? error.message : String(error))
  }
}

function checkControlGroups(): Check {
  return ok('cgroups', sayControlGroups(describeControlGroups()))
}

function sayControlGroups(found: ReturnType<typeof describeControlGroups>): string {
  const looked = 'memory of steps is looked at four times a second'
  if (found === undefined) return `none that we may use: ${looked}`
  const { version, controllers } = found
  if (controllers.length === 0) return `version ${version}, of which no controller is handed to us: ${looked}`
  return `version ${version}: the kernel limits ${controllers.join(' and ')} of steps`
}

const run = promisify(execFile)

/** The first line of what `--version` prints; undefined: it does not run. */
async function versionOf(program: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(program, ['--version'], { timeout: 10_000 })
    return stdout.split('\n')[0]?.trim()
  } catch {
    return undefined
  }
}
