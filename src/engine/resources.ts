/** What a step holds while it runs, and what an executor has. */
export interface Resources {
  readonly cpus: number
  readonly gpus: number
  /** 0: the step does not say, and may use what there is. */
  readonly memoryBytes: number
}

export type Resource = keyof Resources

export const RESOURCES = ['cpus', 'gpus', 'memoryBytes'] as const satisfies readonly Resource[]

const NONE: Resources = { cpus: 0, gpus: 0, memoryBytes: 0 }

export function add(a: Resources, b: Resources): Resources {
  return { cpus: a.cpus + b.cpus, gpus: a.gpus + b.gpus, memoryBytes: a.memoryBytes + b.memoryBytes }
}

export function sum(all: Iterable<Resources>): Resources {
  let total = NONE
  for (const each of all) total = add(total, each)
  return total
}

/** The first of which there is not enough; undefined: it fits. */
export function lacking(wanted: Resources, used: Resources, capacity: Resources): Resource | undefined {
  return RESOURCES.find((resource) => wanted[resource] > 0 && used[resource] + wanted[resource] > capacity[resource])
}

/** The part of what there is, by the resource of which it takes the largest part. */
export function dominantShare(used: Resources, capacity: Resources): number {
  return Math.max(...RESOURCES.map((resource) => (capacity[resource] > 0 ? used[resource] / capacity[resource] : 0)))
}

/** `2 cpus`, `1 gpu`, `3.5 GiB of memory`. */
export function inWords(resource: Resource, amount: number): string {
  if (resource === 'memoryBytes') return `${gibibytes(amount)} GiB of memory`
  const word = resource === 'cpus' ? 'cpu' : 'gpu'
  return `${amount} ${word}${amount === 1 ? '' : 's'}`
}

/** `3 of 4`, in the unit of `inWords`. */
export function usedInWords(resource: Resource, used: number, capacity: number): string {
  if (resource === 'memoryBytes') return `${gibibytes(used)} of ${gibibytes(capacity)}`
  return `${used} of ${capacity}`
}

function gibibytes(bytes: number): number {
  return Math.round((bytes / 2 ** 30) * 10) / 10
}
