import { execFile } from 'node:child_process'
import { lstatSync, readlinkSync } from 'node:fs'
import { promisify } from 'node:util'
import { ownProgram } from './own-program.ts'

const run = promisify(execFile)

/** Why bubblewrap cannot put a program behind walls here, for this user; undefined: it can. */
export async function whyNoBubblewrap(user?: {
  readonly uid: number
  readonly gid: number
}): Promise<string | undefined> {
  const walls = ['--unshare-pid', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--', '/bin/sh', '-c', ':']
  try {
    await run(ownProgram('bwrap'), walls, { timeout: 20_000, cwd: '/', ...user })
    return undefined
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') return 'it is not installed'
    return stderr.trim().split('\n').at(-1) || String(error)
  }
}

export interface Walled {
  readonly argv: readonly [string, ...string[]]
  /** Where it starts, and what it may write beside `own`. */
  readonly folder: string
  readonly own: readonly string[]
  /** What it finds as `/tmp` and `/var/tmp`. Absent: empty folders in memory. */
  readonly tmp?: string
  /** For reading, where they are there. */
  readonly shown: readonly string[]
  /**
   * Whether all of it is killed as soon as the first of it has ended, or we have. Else whoever started it looks for
   * what is left: killing bubblewrap's inner process, the first behind the walls, ends them all.
   */
  readonly endsTogether: boolean
}

/** Programs, libraries and settings of the machine, read-only. */
const SYSTEM = ['/usr', '/etc', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']

const WALLS = ['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try']
const EMPTY = ['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/run']

/**
 * The command behind bubblewrap's walls: it sees these folders and the system, and of processes its own alone.
 * The network is as it is.
 */
export function behindWalls({ argv, folder, own, tmp, shown, endsTogether }: Walled): readonly [string, ...string[]] {
  const written = [folder, ...own].flatMap((path) => ['--bind', path, path])
  const read = shown.flatMap((path) => ['--ro-bind-try', path, path])
  return [
    ownProgram('bwrap'),
    ...(endsTogether ? ['--die-with-parent'] : []),
    ...WALLS,
    ...SYSTEM.flatMap(showSystem),
    ...EMPTY,
    ...['/tmp', '/var/tmp'].flatMap((path) => (tmp === undefined ? ['--tmpfs', path] : ['--bind', tmp, path])),
    ...read,
    ...written,
    '--chdir',
    folder,
    '--',
    ...argv,
  ]
}

export function isSystem(path: string): boolean {
  return path === '/' || SYSTEM.some((folder) => path === folder || path.startsWith(`${folder}/`))
}

/** On a merged system `/bin` is a link to `/usr/bin`, and stays one. */
function showSystem(path: string): string[] {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return []
  return stats.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}
