/**
 * Places, beside the moves of the state tables, where a process may die with something half done. Around every
 * move there are two more, made by `db/`: `before` and `after` its transaction commits.
 */
export const POINTS = {
  'refs moved': 'git has moved refs, and there is no row of the push yet',
  'push recorded': 'the push has its rows, and its entry in the journal is still there',
  'push planned': 'the run of a pushed commit is planned, and not made',
  'attempt opened': 'tokens and endpoints of an attempt are there, and its executor knows nothing of it',
  'order written': 'the order of an attempt is on disk, and no supervisor was told',
  'attempt handed over': 'a supervisor has the attempt, and its row has no handle yet',
  'attempt claimed': 'a supervisor has claimed the attempt, and its command does not run',
  'command started': 'the command runs',
  'command ended': 'the command has ended, and nothing of what it made is stored',
  'output stored': 'one output of an attempt is in the store, and its completion record is not written',
  'content written': 'content is on disk under a temporary name, and not in the store',
  'attempt recorded': 'the completion record is on disk, and the supervisor still lives',
  'attempt ended': 'the server knows how an attempt ended, and has not written it down',
  'attempt forgotten': 'the files of an attempt are gone, and its row still has the handle',
  'event handled': 'a handler of the outbox has returned, and its cursor has not moved',
  'version given': 'a bundle has its version in a transaction that is not committed',
  'routes wanted': 'a route table is made of rows, and the gateway does not have it',
  'next key written': 'a new key for secrets is on disk, and their rows are sealed with the old one',
  'secrets sealed anew': 'the rows of secrets are sealed with the new key, and the old one is still on disk',
  'database saved': 'a backup has the database, and no file yet',
  'garbage deleted': 'garbage collection has deleted something, and goes on',
} as const satisfies Record<string, string>

export type Point = keyof typeof POINTS | `${'before' | 'after'} ${string}`

/** What happens at a point: a test kills the process there, breaks the work by throwing, or holds it up. */
export type PointListener = (point: Point, subject: string) => Promise<void> | void

let listener: PointListener | undefined

/** Only tests listen: the product names its points and never hears of them again. */
export function listenAtPoints(found: PointListener): void {
  listener = found
}

export function isListenedTo(): boolean {
  return listener !== undefined
}

/** `subject`: the id of what is half done. */
export async function reach(point: Point, subject: string): Promise<void> {
  if (listener !== undefined) await listener(point, subject)
}
