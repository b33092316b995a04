import type { Signature } from '../../core/bundle.ts'
import type { Arm, HostSpec, Route, RouteTable } from '../../core/route-table.ts'
import type { Counter, Counters } from './counters.ts'
import type { HostKeeper } from './host-keeper.ts'

/** A route table made ready for lookups: what the gateway answers from, replaced as a whole. */
export interface RouteIndex {
  readonly table: RouteTable
  /** `project/environment` → model → route. */
  readonly environments: ReadonlyMap<string, ReadonlyMap<string, LiveRoute>>
}

export interface LiveRoute {
  readonly route: Route
  readonly arms: readonly [LiveArm, ...LiveArm[]]
  /** Lower case; absent: the prediction's id is the key. */
  readonly keyHeader?: string
}

export interface LiveArm extends Arm {
  readonly keeper: HostKeeper
  readonly signature: Signature
  readonly counter: Counter
  /** Tensor → indexes in its last dimension that are not logged. */
  readonly droppedColumns: ReadonlyMap<string, readonly number[]>
}

export function indexRoutes(
  table: RouteTable,
  keepers: ReadonlyMap<string, HostKeeper>,
  counters: Counters,
): RouteIndex {
  const environments = new Map<string, Map<string, LiveRoute>>()
  for (const route of table.routes) {
    const key = `${route.project}/${route.environment}`
    const models = environments.get(key) ?? new Map<string, LiveRoute>()
    models.set(route.model, liveRoute(route, keepers, counters))
    environments.set(key, models)
  }
  return { table, environments }
}

function liveRoute(route: Route, keepers: ReadonlyMap<string, HostKeeper>, counters: Counters): LiveRoute {
  const [first, ...others] = route.arms.map((arm) => liveArm(route, arm, keepers, counters))
  if (first === undefined)
    throw new Error(`the route to ${route.project}/${route.environment}/${route.model} has no arms`)
  const keyHeader = route.routeBy.startsWith('header:')
    ? { keyHeader: route.routeBy.slice('header:'.length).toLowerCase() }
    : {}
  return { route, arms: [first, ...others], ...keyHeader }
}

function liveArm(route: Route, arm: Arm, keepers: ReadonlyMap<string, HostKeeper>, counters: Counters): LiveArm {
  const keeper = keepers.get(arm.host)
  if (keeper === undefined)
    throw new Error(
      `the route to ${route.project}/${route.environment} names host "${arm.host}", which is not in the table`,
    )
  const { signature } = keeper.spec.manifest
  return {
    ...arm,
    keeper,
    signature,
    counter: counters.of(route, arm),
    droppedColumns: droppedColumns(signature, route.log?.drop ?? []),
  }
}

function droppedColumns(signature: Signature, drop: readonly string[]): Map<string, number[]> {
  const dropped = new Map<string, number[]>()
  for (const [input, columns] of Object.entries(signature.columns)) {
    const indexes = columns.flatMap((column, i) => (drop.includes(column) ? [i] : []))
    if (indexes.length > 0) dropped.set(input, indexes)
  }
  return dropped
}

/** Whether a running host does for another table's spec of it. */
export function isSameHost(a: HostSpec, b: HostSpec): boolean {
  return (
    a.bundle === b.bundle &&
    a.folder === b.folder &&
    a.memoryBytes === b.memoryBytes &&
    JSON.stringify(a.env) === JSON.stringify(b.env)
  )
}
