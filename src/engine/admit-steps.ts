export interface Resources {
  readonly cpus: number
  readonly gpus: number
}

export interface Candidate extends Resources {
  /** `project#12/step`. */
  readonly id: string
  readonly project: string
  readonly runId: string
  readonly runCreatedAt: number
  readonly position: number
}

export interface Occupant extends Resources {
  readonly id: string
  readonly project: string
}

export interface Admission {
  readonly admitted: readonly string[]
  /** Why the others wait, by id. */
  readonly why: ReadonlyMap<string, string>
}

/**
 * Who may start on one executor. The project that uses least comes first, then the oldest run, then the
 * plan's order. A step that does not fit holds back younger runs, so that a large one is not overtaken for
 * ever, but not the other steps of its own run: those end with it anyway.
 */
export function admitSteps(
  candidates: readonly Candidate[],
  occupants: readonly Occupant[],
  capacity: Resources,
): Admission {
  const waiting = candidates.map((candidate) => ({ ...candidate, cpus: Math.min(candidate.cpus, capacity.cpus) }))
  const running: Occupant[] = [...occupants]
  const admitted: string[] = []
  const why = new Map<string, string>()
  let holder: Candidate | undefined
  for (let next = takeNext(waiting, running); next !== undefined; next = takeNext(waiting, running)) {
    if (holder !== undefined && next.runId !== holder.runId) why.set(next.id, `waits its turn behind ${holder.id}`)
    else if (fits(next, running, capacity)) {
      running.push(next)
      admitted.push(next.id)
    } else {
      why.set(next.id, explain(next, running, capacity))
      holder ??= next
    }
  }
  return { admitted, why }
}

function takeNext(waiting: Candidate[], running: readonly Occupant[]): Candidate | undefined {
  const used = (project: string) => sum(running.filter((each) => each.project === project)).cpus
  waiting.sort(
    (a, b) =>
      used(a.project) - used(b.project) ||
      a.runCreatedAt - b.runCreatedAt ||
      (a.runId < b.runId ? -1 : a.runId > b.runId ? 1 : 0) ||
      a.position - b.position,
  )
  return waiting.shift()
}

function fits(candidate: Resources, running: readonly Occupant[], capacity: Resources): boolean {
  const used = sum(running)
  return used.cpus + candidate.cpus <= capacity.cpus && used.gpus + candidate.gpus <= capacity.gpus
}

function explain(candidate: Candidate, running: readonly Occupant[], capacity: Resources): string {
  const used = sum(running)
  const lacksCpus = used.cpus + candidate.cpus > capacity.cpus
  const [word, wanted, taken, total] = lacksCpus
    ? (['cpu', candidate.cpus, used.cpus, capacity.cpus] as const)
    : (['gpu', candidate.gpus, used.gpus, capacity.gpus] as const)
  const users = running.slice(0, 3).map((each) => each.id)
  const more = running.length > 3 ? ` and ${running.length - 3} more` : ''
  return `waits for ${wanted} ${word}${wanted === 1 ? '' : 's'}: ${taken} of ${total} in use by ${users.join(', ')}${more}`
}

function sum(users: readonly Resources[]): Resources {
  let cpus = 0
  let gpus = 0
  for (const user of users) {
    cpus += user.cpus
    gpus += user.gpus
  }
  return { cpus, gpus }
}
