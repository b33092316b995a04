import { isAppError, type AppError } from './errors.ts'
import type { Digest } from './digest.ts'

/** An input that the store did not have whole. */
export interface LostFile {
  readonly path: string
  readonly digest: Digest
}

/** Content of the store is damaged, or not there. */
export function isLostContent(error: unknown): error is AppError {
  return (isAppError(error, 'DAMAGED') || isAppError(error, 'NOT_FOUND')) && error.details['digest'] !== undefined
}

/** Of an error that says so: which files. */
export function lostFilesOf(error: AppError): readonly LostFile[] {
  return (error.details['lost'] ?? []) as readonly LostFile[]
}
