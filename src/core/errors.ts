/**
 * Every error a user or a client can be told, by code. `docs/reference/errors.md` is printed from this
 * table. `status` is the HTTP status; the command line exits with 2 for 4xx (you asked wrong) and 3 for
 * the rest. A step that fails is not an error: it is a value (`AttemptEnd`).
 */
export const ERRORS = {
  INVALID_INPUT: {
    status: 400,
    meaning: 'A value in the request or on the command line is not acceptable; the message names it.',
  },
  INVALID_PIPELINE: {
    status: 422,
    meaning: 'tidegate.yaml has problems; `details.problems` lists them all with file, line and column.',
  },
  UNAUTHENTICATED: {
    status: 401,
    meaning: 'No token, or one that is wrong, revoked or expired. Run `tidegate login`.',
  },
  FORBIDDEN: {
    status: 403,
    meaning: 'The person lacks the role the operation needs in this project; the message names both.',
  },
  SELF_APPROVAL: {
    status: 403,
    meaning: 'Somebody who committed, pushed or started a change may not approve or sign it.',
  },
  NOT_FOUND: { status: 404, meaning: 'There is nothing of that name, or the person may not see it.' },
  WRONG_METHOD: { status: 405, meaning: 'The path takes other methods; the message names them.' },
  ALREADY_EXISTS: { status: 409, meaning: 'The name is taken.' },
  STATE_CONFLICT: {
    status: 409,
    meaning: 'The thing has moved on since it was looked at; the message says from what to what.',
  },
  STALE_DIGEST: {
    status: 409,
    meaning: 'The approval or signature names another bundle, champion or set of cases than the one that waits.',
  },
  DIGEST_REFUSED: {
    status: 409,
    meaning: 'This bundle was rolled back in this environment; a person must clear it first.',
  },
  NOTHING_CHANGED: { status: 409, meaning: 'A retraining run was asked for, but no dataset has changed.' },
  TOO_LARGE: { status: 413, meaning: 'A body, file or answer is larger than its limit (docs/reference/limits.md).' },
  NOT_AVAILABLE_YET: { status: 422, meaning: 'A known key or feature that this version does not have yet.' },
  OVERLOADED: { status: 503, meaning: 'A bounded queue is full; try again after the time in Retry-After.' },
  NOT_READY: { status: 503, meaning: 'The thing exists, but is still starting.' },
  UPSTREAM: {
    status: 502,
    meaning: 'Something Tidegate depends on (a database, a package index, a model) failed; the message says which.',
  },
  NEWER_SCHEMA: {
    status: 500,
    meaning: 'The data folder was written by a newer Tidegate; the message names both versions.',
  },
  DATA_IN_USE: { status: 500, meaning: 'Another `tidegate up` uses this data folder, or this database.' },
  DISK_FULL: {
    status: 507,
    meaning: 'The disk Tidegate writes to is full. Nothing was changed; it goes on when there is room.',
  },
  READ_ONLY: {
    status: 507,
    meaning: 'The disk Tidegate writes to is mounted read-only. Nothing was changed; it goes on when it can write.',
  },
  DAMAGED: {
    status: 500,
    meaning: 'Stored content does not have the digest it is filed under, or the database file cannot be read.',
  },
  INTERNAL: { status: 500, meaning: 'A bug of ours. The log has the details; the answer does not.' },
} as const satisfies Record<string, { status: number; meaning: string }>

export type ErrorCode = keyof typeof ERRORS

/** An error with a code from the table, a message for the person, and facts for programs. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: Record<string, unknown>

  constructor(code: ErrorCode, message: string, details: Record<string, unknown> = {}, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'AppError'
    this.code = code
    this.details = details
  }

  get status(): number {
    return ERRORS[this.code].status
  }
}

export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code)
}
