import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ownProgram } from '../lib/own-program.ts'
import { privateFolders } from './workspace.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'

type Argv = readonly [string, ...string[]]

/** Programs, libraries and settings of the machine, read-only. */
const SYSTEM = ['/usr', '/etc', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']

const WALLS = ['--die-with-parent', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try']
const EMPTY = ['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--tmpfs', '/run', '--tmpfs', '/var/tmp']

/**
 * The command behind bubblewrap's walls: it sees its workspace, its home and temporary folder, its build environment
 * with the interpreter, and the system read-only; of processes its own alone, which all end with the first of
 * them. Paths are those outside. The network is as it is.
 */
export function sandboxed(order: AttemptOrder, argv: Argv): Argv {
  if (order.sandbox !== true || order.command.kind !== 'command') return argv
  const { home, tmp } = privateFolders(order)
  const own = [order.workspace, home, tmp].flatMap((folder) => ['--bind', folder, folder])
  const tools = toolFolders(order).flatMap((folder) => ['--ro-bind-try', folder, folder])
  return [
    ownProgram('bwrap'),
    ...WALLS,
    ...SYSTEM.flatMap(showSystem),
    ...EMPTY,
    ...tools,
    ...own,
    '--chdir',
    order.workspace,
    '--',
    ...argv,
  ]
}

/** On a merged system `/bin` is a link to `/usr/bin`, and stays one. */
function showSystem(path: string): string[] {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return []
  return stats.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}

/** What stands in front of PATH: environments with `bin` in them, and the installations their interpreters lead to. */
function toolFolders({ env, runAs }: AttemptOrder): string[] {
  const folders = new Set<string>()
  for (const entry of (env['PATH'] ?? '').split(':')) {
    if (!entry.startsWith('/') || isSystem(entry) || !existsSync(entry)) continue
    folders.add(entry.endsWith('/bin') ? dirname(entry) : entry)
    for (const name of ['python', 'python3', 'node']) {
      const program = join(entry, name)
      if (!existsSync(program)) continue
      const home = dirname(dirname(realpathSync(program)))
      if (!isSystem(home)) folders.add(home)
    }
  }
  // What its user cannot reach without walls, bubblewrap cannot show it either.
  return [...folders].filter((folder) => runAs === undefined || isOpen(folder))
}

function isOpen(folder: string): boolean {
  const mode = statSync(folder, { throwIfNoEntry: false })?.mode ?? 0
  return (mode & 0o001) !== 0 && (folder === '/' || isOpen(dirname(folder)))
}

function isSystem(path: string): boolean {
  return path === '/' || SYSTEM.some((folder) => path === folder || path.startsWith(`${folder}/`))
}
