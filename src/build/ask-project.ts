import { cp, mkdir, readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import { limit } from '../core/limits.ts'
import { behindWalls, isSystem, whyNoBubblewrap } from '../lib/bubblewrap.ts'
import { openWay } from '../lib/open-way.ts'
import { removeFolder } from '../lib/remove-folder.ts'
import { takeBuildUser, type User } from './build-user.ts'
import type { Python } from './find-python.ts'
import { METADATA_SCRIPT } from './metadata-script.ts'
import { fitsPython, isPythonWish } from './python-version.ts'
import { isFromRepository } from './requirement-files.ts'
import { runBounded, type BoundedAnswer } from './run-bounded.ts'
import { runTool } from './run-tool.ts'

export interface AskedProject {
  /** Its setup.py or pyproject.toml, in the workspace. */
  readonly file: string
  /** Names of the extras and groups that are wanted of it. */
  readonly extras: readonly string[]
  readonly workspace: string
  readonly dataFolder: string
  /** Environment with what `[build-system]` requires, and the interpreter that it was made with. */
  readonly environment: string
  readonly python: Python
  readonly asOtherUser: boolean
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

const Requirement = z.string().regex(/^[A-Za-z0-9][^\r\n$]*$/)

/** What a project's build says that it requires. */
export type ComputedList = z.infer<typeof ComputedList>
const ComputedList = z.object({
  name: z.string(),
  python: z.string(),
  dependencies: z.array(Requirement).max(2_000),
  extras: z.record(z.string(), z.array(Requirement).max(2_000)),
  /** Poetry's, all by name: with what they hold only those that are wanted. */
  groups: z.record(z.string(), z.array(Requirement).max(2_000)),
})

/**
 * Asks the project's build what it requires. That runs code of the commit: in a copy of the project's files, which
 * are all that it may write, with nothing of our environment, and where we are root as a user of its own.
 */
export async function askProject(asked: AskedProject): Promise<ComputedList> {
  const { file, workspace, asOtherUser, signal, log } = asked
  const user = asOtherUser ? takeBuildUser() : undefined
  const folder = join(workspace, '.tidegate-build')
  try {
    await makePlace(folder, asked, user)
    log(`asking the build of ${file} what it requires`)
    const answer = await runBounded({
      python: asked.python.executable,
      argv: await programOf(folder, asked, user),
      cwd: join(folder, 'project', dirname(file)),
      env: environmentOf(folder, asked.environment),
      user,
      timeoutMs: limit('metadataMs'),
      signal,
    })
    for (const line of lastLines(answer.stderr, MOST_LOGGED_LINES)) log(line)
    return read(file, answer, asked.python)
  } finally {
    await removeFolder(folder)
  }
}

/** Behind walls wherever bubblewrap can make them: with `sandbox: required` it can. */
async function programOf(folder: string, { file, extras, environment, python }: AskedProject, user?: User) {
  const argv = [
    join(environment, 'bin', 'python'),
    '-I',
    '-c',
    METADATA_SCRIPT,
    join(folder, 'made'),
    ...extras,
  ] as const
  if ((await whyNoBubblewrap(user)) !== undefined) return argv
  const installation = dirname(dirname(await realpath(python.executable)))
  return behindWalls({
    argv,
    folder: join(folder, 'project', dirname(file)),
    own: [folder],
    shown: [environment, installation].filter((path) => !isSystem(path)),
    endsTogether: true,
  })
}

/** Owned by the user that will work in it, and closed to all others. */
async function makePlace(folder: string, { workspace, dataFolder, environment, signal }: AskedProject, user?: User) {
  await removeFolder(folder)
  const project = join(folder, 'project')
  await mkdir(project, { recursive: true, mode: 0o700 })
  for (const name of ['home', 'tmp', 'made']) await mkdir(join(folder, name))
  for (const name of await readdir(workspace)) {
    if (name.startsWith('.tidegate-')) continue
    await cp(join(workspace, name), join(project, name), { recursive: true, verbatimSymlinks: true })
  }
  if (user === undefined) return
  const owner = `${user.uid}:${user.gid}`
  await runTool({ program: 'chown', args: ['-R', '-h', owner, folder], cwd: '/', env: TOOLS, signal })
  const closed = openWay(folder, dataFolder) ?? openWay(join(environment, 'bin'), dataFolder)
  if (closed === undefined) return
  throw new AppError(
    'INVALID_INPUT',
    `The user that builds run as may not pass through ${closed}. Keep Tidegate's data elsewhere (TIDEGATE_DATA=/var/lib/tidegate), or allow it: chmod o+x ${closed}.`,
  )
}

const TOOLS = { PATH: '/usr/local/bin:/usr/bin:/bin' }

function environmentOf(folder: string, environment: string): Record<string, string> {
  return {
    PATH: `${join(environment, 'bin')}:${TOOLS.PATH}`,
    HOME: join(folder, 'home'),
    TMPDIR: join(folder, 'tmp'),
    LANG: 'C.UTF-8',
    VIRTUAL_ENV: environment,
    PYTHONNOUSERSITE: '1',
  }
}

const MOST_SAID_LINES = 8
const MOST_LOGGED_LINES = 200

function read(file: string, { ok, stdout, stderr, ended }: BoundedAnswer, python: Python): ComputedList {
  const said = lastLines(stderr, MOST_SAID_LINES).join('\n')
  if (ended !== undefined) throw refused(file, `its build ${ended}.`, said)
  if (!ok) throw refused(file, said === '' ? 'its build ended without a word.' : said)
  const list = parse(stdout)
  if (list === undefined) throw refused(file, 'its build ended before it had said it.', said)
  const lines = [list.dependencies, ...Object.values(list.extras), ...Object.values(list.groups)].flat()
  const wrong = lines.find(isNoPackage)
  if (wrong !== undefined)
    throw refused(file, `"${wrong}" is no package of an index: there is no file whose hash could be locked.`)
  if (list.python !== '' && isPythonWish(list.python) && !fitsPython(python.version, list.python))
    throw refused(
      file,
      `it wants Python ${list.python}, and this environment has ${python.version}. Say another in build.python.`,
    )
  return list
}

function parse(text: string): ComputedList | undefined {
  try {
    return ComputedList.parse(JSON.parse(text))
  } catch {
    // Whatever else it printed there is not what our script prints.
    return undefined
  }
}

function isNoPackage(requirement: string): boolean {
  return isFromRepository(requirement) || /@\s*file:/i.test(requirement)
}

function refused(file: string, why: string, said = ''): AppError {
  return new AppError(
    'INVALID_INPUT',
    `${file} does not tell what it requires: ${[why, said].filter(Boolean).join('\n')}`,
  )
}

function lastLines(text: string, most: number): string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd().slice(0, 500))
    .filter((line) => line !== '')
    .slice(-most)
}
