import { add, dominantShare, inWords, lacking, sum, usedInWords, type Resources } from './resources.ts'

export interface Candidate extends Resources {
  /** `project#12/step`. */
  readonly id: string
  readonly project: string
  /** Of the project's policy; default 1. Twice the weight gets twice as much. */
  readonly weight?: number
}

export interface Occupant extends Resources {
  readonly id: string
  readonly project: string
}

/** What one decision hands to the next. Lost with the process, and nobody is worse off than at the beginning. */
export interface AdmissionMemory {
  /** What each project was given lately, by its weight; the least is 0. */
  readonly served: ReadonlyMap<string, number>
  /** Since when a step whose turn it is does not fit. */
  readonly blocked: ReadonlyMap<string, number>
}

export const NO_MEMORY: AdmissionMemory = { served: new Map(), blocked: new Map() }

export interface Admission {
  readonly admitted: ReadonlySet<string>
  /** Why the others wait, by id; of all of them only where somebody is told. */
  readonly why: ReadonlyMap<string, string>
  readonly memory: AdmissionMemory
}

/** A step whose turn it is and which does not fit is passed by others for so long; then room is kept for it. */
export const RESERVE_AFTER_MS = 30_000

/** So many who wait are told by whom the room is used; the reason of the others shall not change with every step that ends. */
const TOLD_EXACTLY = 20

/**
 * Who may start on one executor. It is the turn of the project that uses the smallest part of it, by weight;
 * where they are equal, of the one that was given least lately (deficit round robin, the deficit being what
 * others were given more). Within a project the order is that of `candidates`: the oldest run, then the plan.
 * What does not fit is passed by what does, but not for long: then room is kept free for it, and only what
 * leaves it alone may start. `now` is of a clock that nobody sets. Where nobody is told why the others wait
 * (`tells`), it ends when the room is used up.
 */
export function admitSteps(
  candidates: readonly Candidate[],
  busy: readonly Occupant[],
  capacity: Resources,
  { served, blocked }: AdmissionMemory = NO_MEMORY,
  now = performance.now(),
  tells = true,
): Admission {
  const occupants = busy.map((each) => bound(each, capacity))
  const bounded = candidates.map((each) => bound(each, capacity))
  const turns = createTurns(bounded, occupants, capacity, served)
  const holder = findHolder(bounded, blocked, now)
  const least = Math.min(...bounded.map(({ cpus }) => cpus))
  const running: Occupant[] = [...occupants]
  const admitted = new Set<string>()
  const why = new Map<string, string>()
  let used = sum(running)
  let first: Candidate | undefined
  let turn = ''

  if (holder !== undefined && lacking(holder, used, capacity) === undefined) turns.putFirst(holder)
  for (let next = turns.next(); next !== undefined; next = turns.next()) {
    const isFull = used.cpus + least > capacity.cpus
    if (isFull && first !== undefined && !tells) break
    if (isFull && why.size >= TOLD_EXACTLY) {
      // Nothing is admitted after this: one sentence for all who are left.
      if (turn === '') turn = `waits its turn: ${usedInWords('cpus', used.cpus, capacity.cpus)} cpus are in use`
      why.set(next.id, turn)
      continue
    }
    const lacks = lacking(next, used, capacity)
    const isInTheWay = holder !== undefined && !admitted.has(holder.id) && next.id !== holder.id
    if (lacks !== undefined) {
      why.set(next.id, explain(next, lacks, running, capacity))
      first ??= next
    } else if (isInTheWay && lacking(next, add(used, holder), capacity) !== undefined) {
      why.set(next.id, `waits: room is kept free for ${holder.id}, whose turn it has been for long`)
    } else {
      used = add(used, next)
      running.push(next)
      admitted.add(next.id)
      turns.give(next)
    }
  }
  const isWaiting = (id: string) => !admitted.has(id) && candidates.some((each) => each.id === id)
  return { admitted, why, memory: { served: turns.served(), blocked: stillBlocked(blocked, isWaiting, first, now) } }
}

interface Cut {
  /** What it asked for more of than there is. */
  readonly cut?: string
}

/**
 * One that asks for more than there is gets all there is, and runs alone: every step needs some of the cpus. Of gpus nothing
 * is cut: who asks for more of them is refused.
 */
function bound<T extends Resources>(each: T, capacity: Resources): T & Cut {
  const tooMuch = (['cpus', 'memoryBytes'] as const).find((resource) => each[resource] > capacity[resource])
  if (tooMuch === undefined) return each
  const { cpus, memoryBytes } = capacity
  return { ...each, cpus, memoryBytes, cut: inWords(tooMuch, each[tooMuch]) }
}

/** The step for which room is kept: of those that could not start in their turn, the one that waits longest. */
function findHolder(
  candidates: readonly Candidate[],
  blocked: ReadonlyMap<string, number>,
  now: number,
): Candidate | undefined {
  let holder: Candidate | undefined
  let since = now - RESERVE_AFTER_MS
  if (blocked.values().every((at) => at > since)) return undefined
  for (const each of candidates) {
    const at = blocked.get(each.id)
    if (at === undefined || at > since) continue
    holder = each
    since = at - 1
  }
  return holder
}

function stillBlocked(
  before: ReadonlyMap<string, number>,
  isWaiting: (id: string) => boolean,
  first: Candidate | undefined,
  now: number,
): Map<string, number> {
  const still = new Map([...before].filter(([id]) => isWaiting(id)))
  if (first !== undefined && !still.has(first.id)) still.set(first.id, now)
  return still
}

interface Project {
  readonly name: string
  readonly weight: number
  readonly waiting: Candidate[]
  at: number
  used: Resources
  served: number
}

/** Whose turn it is, one after another, until nobody is left. */
function createTurns(
  candidates: readonly Candidate[],
  occupants: readonly Occupant[],
  capacity: Resources,
  served: ReadonlyMap<string, number>,
) {
  const usedBy = Map.groupBy(occupants, ({ project }) => project)
  const projects = [...Map.groupBy(candidates, ({ project }) => project)].map(([name, waiting]): Project => ({
    name,
    waiting,
    weight: waiting[0]?.weight ?? 1,
    at: 0,
    used: sum(usedBy.get(name) ?? []),
    served: served.get(name) ?? 0,
  }))
  let ahead: Candidate | undefined

  function share({ used, weight }: Project): number {
    return dominantShare(used, capacity) / weight
  }

  function isBefore(a: Project, b: Project): boolean {
    return share(a) - share(b) < 0 || (share(a) === share(b) && a.served < b.served)
  }

  return {
    /** Whoever it is, its turn is now. */
    putFirst(candidate: Candidate): void {
      ahead = candidate
      const own = projects.find(({ name }) => name === candidate.project)
      own?.waiting.splice(own.waiting.indexOf(candidate), 1)
    },
    next(): Candidate | undefined {
      if (ahead !== undefined) {
        const candidate = ahead
        ahead = undefined
        return candidate
      }
      let best: Project | undefined
      for (const each of projects) {
        if (each.at < each.waiting.length && (best === undefined || isBefore(each, best))) best = each
      }
      return best?.waiting[best.at++]
    },
    give(candidate: Candidate): void {
      const project = projects.find(({ name }) => name === candidate.project)
      if (project === undefined) return
      project.used = add(project.used, candidate)
      project.served += dominantShare(candidate, capacity) / project.weight
    },
    /** Of projects that are here now: who comes back later has no claim on what it did not ask for. */
    served(): Map<string, number> {
      const least = Math.min(...projects.map((each) => each.served))
      return new Map(projects.map((each) => [each.name, each.served - least]))
    },
  }
}

function explain(
  candidate: Candidate & Cut,
  lacks: keyof Resources,
  running: readonly Occupant[],
  capacity: Resources,
): string {
  const used = sum(running)
  const users = running.filter((each) => each[lacks] > 0)
  const names = users.slice(0, 3).map((each) => each.id)
  const more = users.length > 3 ? ` and ${users.length - 3} more` : ''
  if (candidate.cut !== undefined)
    return `runs alone, since it asks for ${candidate.cut}: waits for ${names.join(', ')}${more}`
  const taken = usedInWords(lacks, used[lacks], capacity[lacks])
  return `waits for ${inWords(lacks, candidate[lacks])}: ${taken} in use by ${names.join(', ')}${more}`
}
