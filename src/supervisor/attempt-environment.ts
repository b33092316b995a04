import { ATTEMPT_MARK } from '../core/attempt-files.ts'
import { AppError } from '../core/errors.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import { isReservedVariable } from '../core/secret-name.ts'
import { privateFolders } from './workspace.ts'

/** Exactly this, and nothing of ours: PATH and all the rest stand in the order. The mark is not theirs to choose. */
export function attemptEnvironment(
  order: AttemptOrder,
  secrets: Readonly<Record<string, string>>,
): Record<string, string> {
  for (const name of order.secretNames) refuseUnusable(name, secrets[name])
  const { home, tmp } = privateFolders(order)
  // A user that stands in no list has no name; Python's `getpass.getuser` then asks these.
  const name = order.runAs ? { USER: 'tidegate', LOGNAME: 'tidegate' } : {}
  const own = { HOME: home, TMPDIR: tmp, ...name, ...compileCache(order), ...order.env }
  return {
    ...own,
    ...secrets,
    // A secret that was set when any name would do must not say where programs are, or which run this is.
    ...Object.fromEntries(Object.entries(own).filter(([variable]) => isReservedVariable(variable))),
    [ATTEMPT_MARK]: order.attemptFolder,
  }
}

/** A task is our own program: it starts from the same cache as we did. */
function compileCache({ command }: AttemptOrder): Record<string, string> {
  const folder = process.env['NODE_COMPILE_CACHE']
  return command.kind === 'task' && folder !== undefined ? { NODE_COMPILE_CACHE: folder } : {}
}

/** Before Node refuses it with a message that shows the value. */
function refuseUnusable(name: string, value: string | undefined): void {
  if (value === undefined) throw new AppError('NOT_FOUND', `No value was handed over for the secret ${name}.`)
  if (value.includes('\0'))
    throw new AppError('INVALID_INPUT', `The secret ${name} contains a NUL and cannot be an environment variable.`)
}
