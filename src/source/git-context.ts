import type { ServerResponse } from 'node:http'
import type { Database } from '../db/open-database.ts'
import type { RefUpdate } from './hook-messages.ts'
import type { GitCall } from './run-git.ts'

/** A push whose rows are written and whose run may be followed. */
export interface ReceivedPush {
  readonly id: string
  readonly repository: string
  readonly person: string
  /** The pusher said `-o tidegate.detach` (or `-o detach`): only say where to look. */
  readonly isDetached: boolean
}

/** A push of which git has everything, and whose refs have not moved. */
export interface ProposedPush {
  readonly repository: string
  readonly person: string
  readonly updates: readonly RefUpdate[]
  /** How git finds what the push brings. */
  readonly call: GitCall
}

export interface GitServerOptions {
  readonly database: Database
  readonly dataFolder: string
  /** The person behind the token, who may push something or other. Throws UNAUTHENTICATED, FORBIDDEN or NOT_FOUND. */
  authorize(token: string, repository: string, access: 'read' | 'write'): Promise<string>
  /** Why the person may not push just this, as a sentence; undefined: they may. Refs have not moved yet. */
  refusal(push: ProposedPush): Promise<string | undefined>
  /**
   * Lines for the pusher's terminal, until the run ends or needs a person. `signal` aborts when nobody
   * reads any more: the pusher left, the server closes, or an hour has passed.
   */
  progress(push: ReceivedPush, signal: AbortSignal): AsyncIterable<string>
  /** What went wrong here and is not the client's fault; the message to log. */
  onError(error: unknown, repository: string): void
}

/** What a request needs from the server around it. */
export interface GitContext extends GitServerOptions {
  readonly hooksFolder: string
  readonly closing: AbortSignal
  /** Gives back the place among those working, for a push that only shows progress from now on. */
  releasePlace(): void
}

/** Does `act` when the server closes while this response is open. */
export function whenClosing(context: GitContext, response: ServerResponse, act: () => void): void {
  context.closing.addEventListener('abort', act)
  response.once('close', () => context.closing.removeEventListener('abort', act))
  if (context.closing.aborted) act()
}
