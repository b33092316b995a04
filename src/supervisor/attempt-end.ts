import { AppError } from '../core/errors.ts'
import { isLostContent, lostFilesOf, type LostFile } from '../core/lost-content.ts'
import { isDiskFull } from '../core/storage-error.ts'
import { hasCode } from '../lib/error-code.ts'
import type { ArtifactRef } from '../core/tree.ts'
import type { EndReason } from '../core/run-state.ts'
import type { TaskOutput } from '../core/task.ts'

/** How an attempt ended: what the completion record says, before the log is closed. */
export interface AttemptEnd {
  readonly outcome: 'succeeded' | 'failed' | 'cancelled'
  readonly reason?: EndReason
  readonly message?: string
  readonly exitCode?: number
  readonly signal?: string
  readonly outs: Readonly<Record<string, ArtifactRef>>
  readonly kept: Readonly<Record<string, ArtifactRef>>
  readonly checkpoint?: Readonly<Record<string, ArtifactRef>>
  readonly taskOutput?: TaskOutput
  readonly lost?: readonly LostFile[]
}

/** Why we end a command that would go on. */
export interface Interruption {
  readonly reason: EndReason
  readonly message: string
  readonly graceMs: number
}

export const NOTHING = { outs: {}, kept: {} } as const

export function failed(reason: EndReason, message: string): AttemptEnd {
  return { outcome: 'failed', reason, message, ...NOTHING }
}

export function interrupted({ reason, message }: Interruption): AttemptEnd {
  return reason === 'cancelled' ? { outcome: 'cancelled', reason, message, ...NOTHING } : failed(reason, message)
}

/** The message may quote what a stranger wrote: paths of any length. What a task of ours says is in its own words, and stays whole. */
export function bounded(end: AttemptEnd): AttemptEnd {
  const { message, taskOutput } = end
  if (message === undefined || taskOutput !== undefined || message.length <= LONGEST_MESSAGE) return end
  return { ...end, message: `${message.slice(0, LONGEST_MESSAGE)}…` }
}

const LONGEST_MESSAGE = 500

/** Something of ours went wrong, not the command: the workspace, the store, the disk. */
export function endOfError(error: unknown): AttemptEnd {
  if (isDiskFull(error))
    return failed('disk-full', 'No space was left on the disk. Free some (`tidegate gc`), then run again.')
  if (hasCode(error, 'E2BIG')) {
    return failed(
      'setup-error',
      'Its `run`, or one of its variables, is longer than the 128 KiB a program can be started with. Put it into a file.',
    )
  }
  if (hasCode(error, 'ENAMETOOLONG')) {
    const { path = '' } = error as { path?: string }
    return failed(
      'setup-error',
      `A path in its workspace is too long to be read: …${path.slice(-100)}. Make it shorter.`,
    )
  }
  if (isLostContent(error)) {
    return { ...failed('damaged-input', error.message), lost: lostFilesOf(error) }
  }
  if (error instanceof AppError) return failed('setup-error', error.message)
  return failed('setup-error', error instanceof Error ? error.message : String(error))
}
