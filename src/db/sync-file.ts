import { closeSync, fsync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { AppError } from '../core/errors.ts'
import { coalesce } from '../lib/coalesce.ts'

const fsyncFile = promisify(fsync)

export interface FileSync extends Disposable {
  sync(): Promise<void>
}

/**
 * Answers how to wait until everything that was written to the file before the call is on the disk. The disk works
 * beside the program; calls that come while it does share the sync after that. When it fails once it fails for ever:
 * the kernel may have dropped what it could not write, and a later sync would not say so.
 */
export function openFileSync(path: string): FileSync {
  let file: number | undefined
  let failure: AppError | undefined

  async function sync(): Promise<void> {
    if (failure !== undefined) throw failure
    try {
      // There is none before the first write.
      file ??= openSync(path, 'r')
      await fsyncFile(file)
    } catch (error) {
      const message = `${path} could not be written to the disk: ${(error as Error).message}. Look at the disk, then start the server again: it goes on from what is there.`
      failure = new AppError('INTERNAL', message, {}, { cause: error })
      throw failure
    }
  }

  return {
    sync: coalesce(sync),
    [Symbol.dispose]() {
      if (file !== undefined) closeSync(file)
      file = undefined
    },
  }
}
