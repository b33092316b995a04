import { AppError } from './errors.ts'

/** `SQLITE_…` of errors that say something about the disk or the file, not about the statement. */
const SQLITE = { readOnly: 8, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const

/**
 * What the disk, or the database on it, says no to: an error for people instead of a bug of ours. Undefined for
 * every other error. Where it is full or read-only for a moment, trying again later is right: nothing was changed.
 */
export function storageError(error: unknown): AppError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const made = translate(at)
    if (made !== undefined) return made
  }
  return undefined
}

export function isDiskFull(error: unknown): boolean {
  return storageError(error)?.code === 'DISK_FULL'
}

interface Failure extends Error {
  readonly code?: string
  readonly path?: string
  /** Of node:sqlite. */
  readonly errcode?: number
}

function translate(error: Failure): AppError | undefined {
  const where = error.path === undefined ? '' : ` (${error.path})`
  const code = error.code === 'ERR_SQLITE_ERROR' ? error.errcode : error.code
  switch (typeof code === 'number' ? code & 0xff : code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case '53100':
    case SQLITE.full:
      return asError(
        'DISK_FULL',
        `No space is left on the disk${where}. Free some, with \`tidegate gc\` for instance.`,
        error,
      )
    case 'EROFS':
    case SQLITE.readOnly:
      return asError('READ_ONLY', `The disk is mounted read-only${where}. Mount it for writing again.`, error)
    case SQLITE.corrupt:
    case SQLITE.notADatabase:
      return asError('DAMAGED', `The database file is damaged: ${error.message}. Keep it, and restore a backup.`, error)
    case 'EIO':
    case SQLITE.ioError:
    case SQLITE.cannotOpen:
      return asError('UPSTREAM', `The disk does not do what it is asked${where}: ${error.message}. Look at it.`, error)
    default:
      return undefined
  }
}

function asError(code: 'DISK_FULL' | 'READ_ONLY' | 'DAMAGED' | 'UPSTREAM', message: string, cause: Error): AppError {
  return new AppError(code, message, {}, { cause })
}
