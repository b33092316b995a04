/**
 * A state table: from → event → to. Everything that may happen to a thing stands in its table; anything
 * else is refused by `db/transition.ts`. Finished states have no events.
 */
export type Transitions<State extends string> = Readonly<Record<State, Readonly<Partial<Record<string, State>>>>>

/** The states an event may come from, and the one it leads to from each. */
export function sourcesOf<State extends string>(table: Transitions<State>, event: string): Map<State, State> {
  const sources = new Map<State, State>()
  for (const [from, events] of Object.entries(table) as [State, Partial<Record<string, State>>][]) {
    const to = events[event]
    if (to !== undefined) sources.set(from, to)
  }
  return sources
}

export function isFinal<State extends string>(table: Transitions<State>, state: State): boolean {
  for (const _ in table[state]) return false
  return true
}

export function finalStates<State extends string>(table: Transitions<State>): State[] {
  return (Object.keys(table) as State[]).filter((state) => isFinal(table, state))
}
