import { AppError } from '../core/errors.ts'
import { runTool, type ToolCall } from './run-tool.ts'

/** How to ask whether a package of the system is there, and how to get it, by package manager. */
const MANAGERS = [
  {
    ask: (name: string) => ['dpkg-query', '-W', '-f=${db:Status-Status}', name],
    yes: 'installed',
    get: 'apt-get install',
  },
  { ask: (name: string) => ['rpm', '-q', name], yes: '', get: 'dnf install' },
  { ask: (name: string) => ['apk', 'info', '-e', name], yes: '', get: 'apk add' },
] as const

/** `build.system` is checked, never installed. Fails with INVALID_INPUT naming all that is missing. */
export async function checkSystemPackages(
  names: readonly string[],
  place: Pick<ToolCall, 'cwd' | 'env' | 'signal'>,
): Promise<void> {
  if (names.length === 0) return
  for (const name of names) {
    if (!/^[A-Za-z0-9][\w.+-]*$/.test(name))
      throw new AppError('INVALID_INPUT', `build.system: "${name}" is not the name of a package`)
  }
  for (const manager of MANAGERS) {
    const missing: string[] = []
    let isHere = true
    for (const name of names) {
      const [program = '', ...args] = manager.ask(name)
      const answer = await ask({ ...place, program, args })
      if (answer === undefined) isHere = false
      else if (!answer.ok || !answer.stdout.endsWith(manager.yes)) missing.push(name)
    }
    if (!isHere) continue
    if (missing.length === 0) return
    throw new AppError(
      'INVALID_INPUT',
      `build.system names ${missing.join(', ')}, which this machine does not have. An administrator can add it: ${manager.get} ${missing.join(' ')}`,
    )
  }
  throw new AppError('INVALID_INPUT', `build.system cannot be checked: this machine has none of dpkg, rpm and apk.`)
}

async function ask(call: ToolCall): Promise<{ ok: boolean; stdout: string } | undefined> {
  try {
    return await runTool(call)
  } catch (error) {
    if (call.signal.aborted) throw error
    return undefined
  }
}
