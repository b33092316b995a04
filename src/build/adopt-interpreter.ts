import { access, readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { hasCode } from '../lib/error-code.ts'
import { sha256 } from '../lib/sha256.ts'
import { takeBuildUser } from './build-user.ts'
import { closedToOthers, isOursToRun, probePython, unlessStarted, type Python } from './find-python.ts'
import { runTool } from './run-tool.ts'

interface Place {
  readonly env: Readonly<Record<string, string>>
  /** Steps run under another user: what it may not start is of no use to them. */
  readonly asOtherUser: boolean
  readonly signal: AbortSignal
}

/** An interpreter the person brings: locked by what it lists. */
export async function adoptInterpreter(interpreter: string, place: Place) {
  const { version, platform } = await probe(interpreter, place)
  const listed = await listPackages(interpreter, place)
  const folder = dirname(dirname(interpreter))
  const conda = await condaPackages(folder)
  const lockText = `# Listed from ${interpreter}; not rebuildable elsewhere.\n${conda}${listed}`
  return {
    folder,
    installer: 'interpreter' as const,
    cached: true,
    lockText,
    lockDigest: sha256(lockText),
    python: version,
    platform,
  }
}

async function probe(interpreter: string, { env, asOtherUser, signal }: Place): Promise<Python> {
  if (!interpreter.startsWith('/')) throw refused(`"${interpreter}" is no full path.`)
  const isThere = await access(interpreter).then(
    () => true,
    () => false,
  )
  if (isThere && asOtherUser && !(await isOursToRun(interpreter))) {
    throw refused(
      `${interpreter}, or a folder above it, can be written by others than root, so the server does not run it.`,
    )
  }
  const python = isThere ? await probePython(interpreter, { env, signal }) : undefined
  if (python === undefined) throw refused(`${interpreter} is not a Python that runs on this machine.`)
  return python
}

/** Asked as a step would start it: as a user of its own where steps are one, and with nothing of our environment. */
async function listPackages(interpreter: string, { asOtherUser, signal }: Place): Promise<string> {
  const user = asOtherUser ? takeBuildUser() : undefined
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' }
  const call = { program: interpreter, args: ['-I', '-c', LIST], cwd: '/', env, signal }
  const { ok, stdout, stderr } = await runTool(user === undefined ? call : { ...call, user }).catch(unlessStarted)
  if (ok) return stdout
  const closed = user === undefined ? undefined : await firstClosed(interpreter)
  if (closed !== undefined) {
    throw refused(
      `the user that runs steps may not start ${interpreter}: ${closed} is closed to it. Allow it (chmod o+x ${closed}), or put the environment where everybody can read it.`,
    )
  }
  const who = user === undefined ? '' : ', started as the user that runs steps,'
  throw refused(`${interpreter}${who} cannot list its packages: ${stderr.trim().slice(-500)}`)
}

/** An environment's interpreter is a link to that of its installation, which may lie elsewhere. */
async function firstClosed(interpreter: string): Promise<string | undefined> {
  return (await closedToOthers(interpreter)) ?? (await closedToOthers(await realpath(interpreter)))
}

/** What conda has put into its environment, each with version and build, as `conda list --explicit` names them. */
async function condaPackages(folder: string): Promise<string> {
  const names = await readdir(join(folder, 'conda-meta')).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  })
  const packages = names.filter((name) => name.endsWith('.json')).toSorted()
  return packages.map((name) => `# conda: ${name.replace(/\.json$/, '')}\n`).join('')
}

const LIST = `
from importlib.metadata import distributions
for line in sorted({f"{d.metadata['Name']}=={d.version}" for d in distributions() if d.metadata['Name']}): print(line)
`

function refused(why: string): AppError {
  return new AppError('INVALID_INPUT', `build.interpreter: ${why}`)
}
