import { chownSync, writeFileSync } from 'node:fs'
import { ATTEMPT_MARK } from '../core/attempt-files.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'

/** Beside the workspace; the engine tells people of it by the same name. */
function environmentFile({ workspace }: AttemptOrder): string {
  return `${workspace}.env`
}

/**
 * For an attempt that is kept for somebody to look into: writes its variables into a file for a shell, without
 * its secrets, and answers the lines of the log that say how to get there.
 */
export function leaveDebugNotes(
  order: AttemptOrder,
  env: Readonly<Record<string, string>>,
  secretNames: readonly string[],
): string[] {
  const file = environmentFile(order)
  const shown = Object.entries(env).filter(([name]) => name !== ATTEMPT_MARK && !secretNames.includes(name))
  const missing = secretNames.map((name) => `# A secret, which is not kept: export ${name}=…`)
  const lines = [...shown.map(([name, value]) => `export ${name}=${quoted(value)}`), ...missing]
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  if (order.runAs) chownSync(file, order.runAs.uid, order.runAs.gid)
  const until = new Date(Date.now() + (order.debug?.keptMs ?? 0)).toISOString().slice(0, 16).replace('T', ' ')
  return [
    `kept for debugging until ${until} UTC: ${order.workspace}`,
    `to go on there${order.runAs ? `, as root (the step's user is ${order.runAs.uid})` : ''}: ${enter(order, file)}`,
  ]
}

function enter({ workspace, runAs }: AttemptOrder, file: string): string {
  const inside = `cd ${quoted(workspace)} && . ${quoted(file)} && exec sh`
  if (!runAs) return inside
  return `setpriv --reuid=${runAs.uid} --regid=${runAs.gid} --clear-groups sh -c ${quoted(inside)}`
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
