import { execFile } from 'node:child_process'
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
