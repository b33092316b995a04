import { createReadStream } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { sep } from 'node:path'
import { AppError } from '../../../core/errors.ts'
import { hasCode } from '../../../lib/error-code.ts'
import type { DatasetSource } from '../../../core/ports/dataset-source.ts'

/** One file of this machine: how a remote of DVC that is a folder is read. */
export function openFolderSource(path: string): DatasetSource {
  return {
    isFolder: false,
    async list() {
      const stats = await lstat(path).catch((error: unknown) => {
        if (hasCode(error, 'ENOENT', 'ENOTDIR'))
          throw new AppError('INVALID_INPUT', `${path} is not there.`, {}, { cause: error })
        throw error
      })
      return [{ path: '', size: stats.size }]
    },
    async open(_file, { from }) {
      return { kind: 'content', content: createReadStream(path, { start: from, highWaterMark: 1 << 20 }), start: from }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/**
 * The real path of what a commit names on this machine. Refused outside the folders that an administrator
 * allows, through links too: a commit must not read the server's own files.
 */
export async function allowedPath(path: string, allowedFolders: readonly string[]): Promise<string> {
  const real = await realpath(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR'))
      throw new AppError('INVALID_INPUT', `${path} is not on this server.`, {}, { cause: error })
    throw error
  })
  const allowed = await Promise.all(allowedFolders.map((folder) => realpath(folder).catch(() => folder)))
  if (allowed.some((folder) => real === folder || real.startsWith(folder.endsWith(sep) ? folder : folder + sep)))
    return real
  const where = allowedFolders.length === 0 ? 'none is allowed' : `allowed are ${allowedFolders.join(', ')}`
  throw new AppError(
    'INVALID_INPUT',
    `${path} is not in a folder that datasets may come from: ${where}. An administrator names them in the server's configuration.`,
  )
}
