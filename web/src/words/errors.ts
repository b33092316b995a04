import { isAppError } from '../../../src/core/errors.ts'

const TITLES: Partial<Record<string, string>> = {
  UNAUTHENTICATED: 'You are not signed in',
  FORBIDDEN: 'You may not do this',
  SELF_APPROVAL: 'Somebody else has to decide this',
  NOT_FOUND: 'There is nothing here',
  STATE_CONFLICT: 'It has moved on meanwhile',
  STALE_DIGEST: 'It has changed since you looked',
  DIGEST_REFUSED: 'This bundle is refused here',
  UPSTREAM: 'Tidegate does not answer',
  NOT_READY: 'Not ready yet',
  OVERLOADED: 'Too busy at the moment',
  INTERNAL: 'Something went wrong in Tidegate',
}

/** What went wrong, as a heading and a sentence. */
export function tellError(error: unknown): { title: string; message: string } {
  if (isAppError(error)) return { title: TITLES[error.code] ?? 'That did not work', message: error.message }
  return { title: 'That did not work', message: error instanceof Error ? error.message : String(error) }
}
