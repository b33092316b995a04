import type { Transitions } from '../../src/core/transitions.ts'

/** Every move of a state table, as its points name it: a new line of the table is a new move here. */
export function movesOf<State extends string>(table: string, transitions: Transitions<State>): string[] {
  return Object.entries<Partial<Record<string, State>>>(transitions).flatMap(([from, events]) =>
    Object.keys(events).map((event) => `${table} ${from} ${event}`),
  )
}
