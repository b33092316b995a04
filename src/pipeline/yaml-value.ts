import { isAlias, isMap, isScalar, isSeq, type Pair, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml'
import { limit } from '../core/limits.ts'
import { formatPath, type Path } from './path.ts'

/** Offsets in the text of a value and, in a mapping, of its key. */
export interface Place {
  readonly key?: number
  readonly value: number
}

/** Whether the value at this path ends up as text, so that a number must look as it was written. */
export type BecomesText = (path: Path) => boolean

type Report = (path: Path, offset: number, message: string) => void

/** `010` is ten in YAML 1.2, eight before, and mostly meant as text. */
const IS_NOT_DECIMAL = /^[-+]?0\d|^0[xo]/

const YAML_ORG = 'tag:yaml.org,2002:'

/** What YAML itself knows; all others are for programs that make objects of them. */
const CORE_TAGS: ReadonlySet<string> = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => YAML_ORG + name),
)

/** Readers disagree about which of the two counts. */
export const KEY_TWICE = 'this key stands here twice: write it once'

/** More values than this cannot be written into a file of the allowed size; only aliases can reach it. */
const MOST_VALUES = 500_000

/**
 * The plain value of a YAML tree, with aliases and `<<` expanded and the place of every part noted.
 * Expansion stops, with a problem, at the limit on aliases and on values altogether.
 */
export function plainValue(
  root: unknown,
  places: Map<string, Place>,
  report: Report,
  becomesText: BecomesText = () => false,
): unknown {
  return new Expansion(places, report, becomesText).value(root, [], undefined)
}

class Expansion {
  readonly #places: Map<string, Place>
  readonly #report: Report
  readonly #becomesText: BecomesText
  readonly #anchors = new Map<string, unknown>()
  /** Anchored nodes whose inside is being expanded: an alias to one of them would never end. */
  readonly #open = new Set<unknown>()
  #aliases = 0
  #values = 0
  #stopped = false

  constructor(places: Map<string, Place>, report: Report, becomesText: BecomesText) {
    this.#places = places
    this.#report = report
    this.#becomesText = becomesText
  }

  value(node: unknown, path: Path, key: number | undefined): unknown {
    const offset = offsetOf(node) ?? key ?? 0
    const name = formatPath(path)
    if (!this.#places.has(name)) this.#places.set(name, key === undefined ? { value: offset } : { key, value: offset })
    if (++this.#values > MOST_VALUES) return this.#stop(path, offset, 'aliases expand to too many values')
    if (isAlias(node)) return this.#alias(node.source, path, offset)
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return null
    this.#checkTag(node, path, offset)
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    if (isScalar(node)) return this.#scalar(node, path, offset)
    this.#open.add(node)
    const plain = isMap(node) ? this.#mapping(node, path) : this.#sequence(node, path)
    this.#open.delete(node)
    return plain
  }

  /** The value is read as if the tag were not there, so that the rest is still checked. */
  #checkTag({ tag }: Scalar | YAMLMap | YAMLSeq, path: Path, offset: number): void {
    if (!isForeign(tag)) return
    const name = tag.replace(YAML_ORG, '!!').slice(0, 60)
    this.#refuse(path, offset, `the tag ${name} means nothing here: write the value without it`)
  }

  #alias(name: string, path: Path, offset: number): unknown {
    const target = this.#anchors.get(name)
    if (target === undefined) return this.#refuse(path, offset, `there is no anchor &${name} before this`)
    if (this.#open.has(target)) return this.#refuse(path, offset, `*${name} stands inside &${name}: it would never end`)
    this.#aliases += 1
    if (this.#aliases > limit('yamlAliases')) {
      return this.#stop(path, offset, `more than ${limit('yamlAliases')} aliases are expanded`)
    }
    const expanded = this.value(target, path, undefined)
    return expanded
  }

  #scalar(node: Scalar, path: Path, offset: number): unknown {
    const value = isForeign(node.tag) ? (node.source ?? node.value) : node.value
    if (typeof value === 'number' && !Number.isFinite(value)) return this.#refuse(path, offset, 'write a finite number')
    if (typeof value === 'number' && IS_NOT_DECIMAL.test(node.source ?? '')) {
      return this.#refuse(path, offset, `this is read as ${value}: write that, or the text in quotes: "${node.source}"`)
    }
    if (typeof value === 'number' && looksOther(value, node.source) && this.#becomesText(path)) {
      return this.#refuse(path, offset, `this would become ${value}: put it in quotes: "${node.source}"`)
    }
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value
    return this.#refuse(path, offset, 'write text, a number, true or false')
  }

  #sequence(node: YAMLSeq, path: Path): unknown[] {
    const items: unknown[] = []
    for (const item of node.items) {
      if (this.#stopped) break
      items.push(this.value(item, [...path, items.length], undefined))
    }
    return items
  }

  #mapping(node: YAMLMap, path: Path): Record<string, unknown> {
    const members = new Map<string, unknown>()
    const merged: [string, unknown][] = []
    for (const pair of node.items) {
      if (this.#stopped) break
      const key = this.#key(pair, path)
      if (key === undefined) continue
      const { name, offset } = key
      const own = [...path, name]
      if (name === '<<') {
        merged.push(...this.#merge(pair.value, path, offset))
      } else if (members.has(name)) {
        this.#refuse(own, offset, KEY_TWICE)
      } else {
        members.set(name, this.value(pair.value, own, offset))
      }
    }
    for (const [name, value] of merged) if (!members.has(name)) members.set(name, value)
    return Object.fromEntries(members)
  }

  #merge(node: unknown, path: Path, offset: number): [string, unknown][] {
    const value = this.value(node, [...path, '<<'], offset)
    const sources = Array.isArray(value) ? value : [value]
    const isMapping = (source: unknown) => typeof source === 'object' && source !== null && !Array.isArray(source)
    if (sources.every(isMapping)) return sources.flatMap((source) => Object.entries(source as Record<string, unknown>))
    this.#refuse([...path, '<<'], offset, 'write an alias of a mapping after `<<:`')
    return []
  }

  #key(pair: Pair, path: Path): { name: string; offset: number } | undefined {
    const offset = offsetOf(pair.key) ?? 0
    if (isScalar(pair.key)) this.#checkTag(pair.key, path, offset)
    const name = keyText(isScalar(pair.key) ? pair.key.value : pair.key)
    if (name === undefined) return this.#refuse(path, offset, 'a key must be text')
    if (name === '__proto__') return this.#refuse(path, offset, '`__proto__` cannot be a key')
    return { name, offset }
  }

  #refuse(path: Path, offset: number, message: string): undefined {
    if (!this.#stopped) this.#report(path, offset, message)
    return undefined
  }

  #stop(path: Path, offset: number, message: string): undefined {
    this.#refuse(path, offset, message)
    this.#stopped = true
    return undefined
  }
}

function isForeign(tag: string | undefined): tag is string {
  return tag !== undefined && tag !== '!' && !CORE_TAGS.has(tag)
}

function keyText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

function offsetOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined
  const [start] = node.range as unknown[]
  return typeof start === 'number' ? start : undefined
}

/** `1e-3` may become 0.001: whoever reads it finds the same fraction. `3.10` is a version, and `1e3` was no whole number. */
function looksOther(value: number, source: string | undefined): boolean {
  if (String(value) === source) return false
  return Number.isInteger(value) || !/e/i.test(source ?? '')
}
