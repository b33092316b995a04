import { existsSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { behindWalls, isSystem } from '../lib/bubblewrap.ts'
import { privateFolders } from './workspace.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'

type Argv = readonly [string, ...string[]]

/**
 * The command behind bubblewrap's walls: it sees its workspace, its home and temporary folder, its build environment
 * with the interpreter, and the system read-only; of processes its own alone. Paths are those outside. The network is
 * as it is. What the first of them leaves running has its grace where the attempt has one, as without walls.
 */
export function sandboxed(order: AttemptOrder, argv: Argv): Argv {
  if (!isSandboxed(order)) return argv
  const { home, tmp } = privateFolders(order)
  return behindWalls({
    argv,
    folder: order.workspace,
    own: [home, tmp],
    // Not in memory: what programs write to /tmp by name may be large, and counts as what they write to TMPDIR.
    tmp,
    shown: toolFolders(order),
    endsTogether: false,
  })
}

export function isSandboxed(order: AttemptOrder): boolean {
  return order.sandbox === true && order.command.kind === 'command'
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
