import { access, constants, readdir, realpath, stat } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { AppError, isAppError } from '../core/errors.ts'
import { fitsPython, isPythonWish } from './python-version.ts'
import { runTool, type ToolAnswer } from './run-tool.ts'

export interface Python {
  readonly executable: string
  /** `3.11.7`. */
  readonly version: string
  /** `linux-x86_64`. */
  readonly platform: string
}

export interface PythonSearch {
  /** `3.11`, `3.11.7` or `>=3.10,<3.13`; absent: the first Python 3. */
  readonly wanted?: string
  readonly env: Readonly<Record<string, string>>
  /** Steps run under another user, who must be able to read the interpreter. */
  readonly forOtherUser: boolean
  readonly signal: AbortSignal
}

/** The first fitting interpreter: on PATH, then pyenv's, uv's and the system's. Fails with INVALID_INPUT. */
export async function findPython(search: PythonSearch): Promise<Python> {
  const { wanted } = search
  if (wanted !== undefined && !isPythonWish(wanted)) {
    throw new AppError(
      'INVALID_INPUT',
      `The wanted Python is "${wanted}"; write a version such as "3.11" or "3.11.7" as build.python.`,
    )
  }
  const seen = new Set<string>()
  const unreadable: string[] = []
  const others: string[] = []
  for (const candidate of await candidates(search)) {
    const python = await probePython(candidate, search)
    if (python === undefined || seen.has(python.executable)) continue
    seen.add(python.executable)
    if (!fitsPython(python.version, wanted)) others.push(python.version)
    else if (search.forOtherUser && (await isClosed(python))) unreadable.push(await realpath(python.executable))
    else return python
  }
  throw new AppError('INVALID_INPUT', notFound(wanted, others, unreadable))
}

/** Asks an interpreter what it is; undefined when it is not one (pyenv's shims fail for versions that are off). */
export async function probePython(
  executable: string,
  { env, signal }: Pick<PythonSearch, 'env' | 'signal'>,
): Promise<Python | undefined> {
  if (!(await isProgram(executable))) return undefined
  const probe = { program: executable, args: ['-I', '-S', '-c', PROBE], cwd: '/', env, signal }
  const { ok, stdout } = await runTool(probe).catch(unlessStarted)
  return ok ? (JSON.parse(stdout) as Python) : undefined
}

/** A program that cannot be started (its own interpreter is gone, it is for another machine) is an answer here. */
export function unlessStarted(error: unknown): ToolAnswer {
  if (!isAppError(error)) throw error
  return { ok: false, stdout: '', stderr: error.message }
}

const PROBE = `
import json, platform, sys, sysconfig
print(json.dumps({"executable": sys.executable, "version": platform.python_version(), "platform": sysconfig.get_platform()}))
`

async function candidates({ wanted, env }: PythonSearch): Promise<string[]> {
  const names = [...pythonNames(wanted), 'python3', 'python']
  const path = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/'))
  const folders = [...path, ...(await installedBeside(env)), '/usr/local/bin', '/usr/bin']
  return folders.flatMap((folder) => names.map((name) => join(folder, name)))
}

/** Of a range every version that it may mean, the newest first. */
function pythonNames(wanted: string | undefined): string[] {
  if (wanted === undefined) return []
  if (/^3[.\d]*$/.test(wanted)) return [`python${wanted.split('.').slice(0, 2).join('.')}`]
  const minors = Array.from({ length: 15 }, (_, index) => 20 - index)
  return minors.filter((minor) => fitsPython(`3.${minor}.99`, wanted)).map((minor) => `python3.${minor}`)
}

/** pyenv and uv keep each version in a folder of its own. */
async function installedBeside(env: Readonly<Record<string, string>>): Promise<string[]> {
  const home = env['HOME'] ?? '/'
  const roots = [
    join(env['PYENV_ROOT'] ?? join(home, '.pyenv'), 'versions'),
    env['UV_PYTHON_INSTALL_DIR'] ?? join(env['XDG_DATA_HOME'] ?? join(home, '.local/share'), 'uv/python'),
  ]
  const found = await Promise.all(
    roots.map(async (root) =>
      (await listFolder(root))
        .toSorted()
        .toReversed()
        .map((name) => join(root, name, 'bin')),
    ),
  )
  return found.flat()
}

/** A folder that is not there, or that we may not look into, holds no Python for us; another may. */
async function listFolder(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => [])
}

async function isProgram(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined)
  return (
    stats?.isFile() === true &&
    (await access(path, constants.X_OK).then(
      () => true,
      () => false,
    ))
  )
}

async function isClosed({ executable }: Python): Promise<boolean> {
  return (await closedToOthers(await realpath(executable))) !== undefined
}

/** What of a program's path, itself first, others than its owner may not pass or execute; undefined: they may all. */
export async function closedToOthers(executable: string): Promise<string | undefined> {
  for (let path = executable; path !== '/'; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return path
  }
  return undefined
}

/**
 * Nobody but root and we could have put this program where it is. A step must not be able to leave one for
 * the next commit to name: it would run with our rights.
 */
export async function isOursToRun(executable: string): Promise<boolean> {
  const trusted = new Set([0, process.getuid?.() ?? 0])
  let path = await realpath(executable)
  for (;;) {
    const { uid, mode } = await stat(path)
    if (!trusted.has(uid) || (mode & 0o022) !== 0) return false
    if (path === '/') return true
    path = dirname(path)
  }
}

function notFound(wanted: string | undefined, others: readonly string[], unreadable: readonly string[]): string {
  const name = `Python ${wanted ?? '3'}`
  if (unreadable.length > 0) {
    return `${name} is installed at ${[...new Set(unreadable)].join(', ')}, where the user that runs steps cannot read it. Install it for everybody (apt-get install python3, or UV_PYTHON_INSTALL_DIR=/opt/python uv python install ${versionOf(wanted)}).`
  }
  const there = others.length === 0 ? 'There is no Python at all' : `There are ${[...new Set(others)].join(', ')}`
  return `${name} is not installed on this machine. ${there}. Install it (uv python install ${versionOf(wanted)}, pyenv, or your system's packages), or name another in build.python.`
}

/** One to ask for by name. */
function versionOf(wanted: string | undefined): string {
  return /3\.\d+(\.\d+)?/.exec(wanted ?? '')?.[0] ?? '3.12'
}
