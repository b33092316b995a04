import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A disk of this size over the folder, in memory. */
export async function mountSmall(folder: string, size: string): Promise<AsyncDisposable> {
  await run('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'tidegate-test', folder])
  return mounted(folder)
}

/** The folder, and it cannot be written any more by whoever opens something in it from now on. */
export async function mountReadOnly(folder: string): Promise<AsyncDisposable> {
  await run('mount', ['--bind', folder, folder])
  await run('mount', ['-o', 'remount,bind,ro', folder])
  return mounted(folder)
}

/** `--lazy`: a process that a failing test left may still have a file open in it. */
function mounted(folder: string): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await run('umount', ['--lazy', folder])
    },
  }
}
