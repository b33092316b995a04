import { sha256 } from '../lib/sha256.ts'

const FIRST = 190_000
const USERS = 10_000

/**
 * As whom a program that a bundle brings runs where the server is root: below the users of steps (from
 * 200 000 on), in no list of users, owner of nothing but the program's own temporary folder. Another for
 * another bundle, so that models do not read one another's memory or end one another. Undefined where we
 * are not root and cannot become anybody else.
 */
export function modelUser(bundleFolder: string): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const place = Number.parseInt(sha256(bundleFolder).replace('sha256:', '').slice(0, 8), 16)
  const id = FIRST + (place % USERS)
  return { uid: id, gid: id }
}
