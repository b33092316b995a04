import { join } from 'node:path'
import { ATTEMPT_FILES } from '../core/attempt-files.ts'
import { AppError } from '../core/errors.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import { readWrittenJson } from '../lib/json-file.ts'

const USERS = 10_000

/**
 * A user of its own for each attempt that is under way: of the same user, one could read what the other has
 * in its workspace and its environment. Numbers come round again when the attempt has been closed.
 */
export interface StepUsers {
  /** The same attempt again is the same user. */
  take(attemptId: string): { readonly uid: number; readonly gid: number }
  free(attemptId: string): void
}

/** `folders`: of attempts that an earlier server has started, and that keep the users they have. */
export function createStepUsers(firstUser: number, folders: readonly string[]): StepUsers {
  const users = new Map<string, number>()
  for (const folder of folders) {
    const order = readWrittenJson(join(folder, ATTEMPT_FILES.order)) as AttemptOrder | undefined
    if (order?.runAs !== undefined) users.set(order.attemptId, order.runAs.uid)
  }
  const taken = new Set(users.values())
  let next = firstUser

  function takeNext(): number {
    for (let tries = 0; tries < USERS; tries++) {
      const user = next
      next = firstUser + ((next + 1 - firstUser) % USERS)
      if (!taken.has(user)) return user
    }
    throw new AppError('OVERLOADED', `All ${USERS} users that steps may run as are taken.`)
  }

  return {
    take(attemptId) {
      const user = users.get(attemptId) ?? takeNext()
      users.set(attemptId, user)
      taken.add(user)
      return { uid: user, gid: user }
    },
    free(attemptId) {
      const user = users.get(attemptId)
      if (user !== undefined) taken.delete(user)
      users.delete(attemptId)
    },
  }
}
