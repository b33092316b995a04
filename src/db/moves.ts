import { isListenedTo, reach } from '../core/points.ts'

/** A move of a row, by what stands in the state tables. */
export interface NamedMove {
  readonly table: string
  readonly from: string
  readonly event: string
  readonly subject: string
}

const moves = new WeakMap<object, NamedMove[]>()

/** Remembers a move of the writer's transaction, for whoever listens at points. Nobody does in production. */
export function nameMove(writer: object, move: NamedMove): void {
  if (isListenedTo()) moves.set(writer, [...(moves.get(writer) ?? []), move])
}

/**
 * Does `work` and answers with its result the moves it made. Several works may share a writer, one after the
 * other, and its commit.
 */
export async function withMoves<Writer extends object, T>(
  work: (writer: Writer) => Promise<T>,
  writer: Writer,
): Promise<{ readonly result: T; readonly made: readonly NamedMove[] }> {
  moves.delete(writer)
  const result = await work(writer)
  const made = moves.get(writer) ?? []
  await reachAround('before', made)
  return { result, made }
}

export async function reachAround(when: 'before' | 'after', made: readonly NamedMove[]): Promise<void> {
  for (const { table, from, event, subject } of made) await reach(`${when} ${table} ${from} ${event}`, subject)
}
