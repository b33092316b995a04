import { randomInt } from 'node:crypto'
import { listProcesses, userOf } from '../lib/processes.ts'

const FIRST = 180_000
const USERS = 10_000

export interface User {
  readonly uid: number
  readonly gid: number
}

/**
 * As whom code of a commit runs that tells what it requires, where the server is root: below the users of models
 * and steps, and one as whom nothing runs, so that all that runs as this user is its own and can be ended.
 * Undefined where we are not root and cannot become anybody else.
 */
export function takeBuildUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  const taken = new Set(listProcesses().map(({ pid }) => userOf(pid)))
  let id = FIRST + randomInt(USERS)
  while (taken.has(id)) id = FIRST + randomInt(USERS)
  return { uid: id, gid: id }
}
