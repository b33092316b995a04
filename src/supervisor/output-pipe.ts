import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, constants, fchownSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * One pipe for stdout and stderr, so that what the command wrote stays in order. Node's own `pipe` is two
 * sockets: the order is lost between them, and `echo oops > /dev/stderr` fails, because a socket cannot be
 * opened by name.
 */
export interface OutputPipe {
  /** For the child's `stdio`; openable as /dev/stdout by its owner alone. */
  readonly writeEnd: number
  giveTo(owner: { readonly uid: number; readonly gid: number }): void
  /** Call after the child has its copy: from then on `end` comes when the last process has let go of it. */
  read(onData: (chunk: Buffer) => void): { readonly ended: Promise<void>; destroy(): void }
}

export function openOutputPipe(): OutputPipe {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'))
  const name = join(folder, randomBytes(4).toString('hex'))
  const made = spawnSync('mkfifo', ['-m', '600', name], { stdio: 'ignore' })
  if (made.status !== 0) throw new Error(`mkfifo ${name} failed`, { cause: made.error })
  const readEnd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK)
  const writeEnd = openSync(name, constants.O_WRONLY)
  rmSync(folder, { recursive: true })

  return {
    writeEnd,
    giveTo: ({ uid, gid }) => fchownSync(writeEnd, uid, gid),
    read(onData) {
      closeSync(writeEnd)
      const socket = new Socket({ fd: readEnd, readable: true, writable: false })
      const { promise: ended, resolve } = Promise.withResolvers<void>()
      socket.on('data', onData).on('close', () => resolve())
      // An error on a pipe of ours ends it; what was read before stays good.
      socket.on('error', () => socket.destroy())
      return { ended, destroy: () => void socket.destroy() }
    },
  }
}
