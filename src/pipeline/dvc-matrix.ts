import { lookUp, type DvcScope } from './dvc-values.ts'
import { isRecord } from '../lib/is-record.ts'
import { NAME } from './keys/scalars.ts'

export interface SketchedMatrix {
  /** As it stands after `matrix:`. */
  readonly text: string
  expression(name: string): string | undefined
}

/** DVC's `foreach` (a list or mapping) or `matrix` (axes) as ours; undefined where values are not plain. */
export function sketchMatrix(
  { foreach, matrix }: { readonly foreach: unknown; readonly matrix: unknown },
  values: DvcScope,
): SketchedMatrix | undefined {
  if (foreach !== undefined) return ofForeach(resolved(foreach, values))
  return isRecord(matrix) ? ofAxes(matrix, values) : undefined
}

/** `${models}` alone stands for the value itself. */
function resolved(value: unknown, values: DvcScope): unknown {
  const name = typeof value === 'string' ? /^\$\{\s*([\w.[\]-]+)\s*\}$/.exec(value)?.[1] : undefined
  return name === undefined ? value : lookUp(values, name)
}

function ofAxes(matrix: Record<string, unknown>, values: DvcScope): SketchedMatrix | undefined {
  const axes = Object.entries(matrix).map(([name, list]) => [name, resolved(list, values)] as const)
  if (!axes.every(([name, list]) => NAME.test(name) && Array.isArray(list) && list.length > 0 && list.every(isPlain)))
    return undefined
  return {
    text: `{ ${axes.map(([name, list]) => `${name}: ${JSON.stringify(list)}`).join(', ')} }`,
    expression: (name) => {
      const axis = /^item\.([\w-]+)$/.exec(name)?.[1]
      return axis !== undefined && axes.some(([own]) => own === axis) ? `matrix.${axis}` : undefined
    },
  }
}

function ofForeach(items: unknown): SketchedMatrix | undefined {
  const members = Array.isArray(items)
    ? (items as unknown[]).map((item) => memberOf(item))
    : isRecord(items)
      ? Object.entries(items).map(([key, item]) => withKey(key, memberOf(item)))
      : []
  if (members.length === 0 || members.some((member) => member === undefined)) return undefined
  const known = members as Record<string, unknown>[]
  const names = new Set(known.flatMap((member) => Object.keys(member)))
  if (![...names].every((name) => NAME.test(name) && known.every((member) => Object.hasOwn(member, name))))
    return undefined
  return {
    text: asText(known),
    expression: (name) => {
      const own = name === 'key' ? KEY : name === 'item' ? ITEM : /^item\.([\w-]+)$/.exec(name)?.[1]
      return own !== undefined && names.has(own) ? `matrix.${own}` : undefined
    },
  }
}

const ITEM = 'item'
const KEY = 'key'

/** A plain item is an axis of its own; the members of a mapping are one each. */
function memberOf(item: unknown): Record<string, unknown> | undefined {
  if (isPlain(item)) return { [ITEM]: item }
  return isRecord(item) && Object.values(item).every(isPlain) ? item : undefined
}

function withKey(key: string, member: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  return member === undefined || Object.hasOwn(member, KEY) ? undefined : { [KEY]: key, ...member }
}

function asText(members: readonly Record<string, unknown>[]): string {
  const isOneAxis = members.every((member) => Object.keys(member).join() === ITEM)
  if (isOneAxis) return `{ ${ITEM}: ${JSON.stringify(members.map((member) => member[ITEM]))} }`
  return `{ include: ${JSON.stringify(members)} }`
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
