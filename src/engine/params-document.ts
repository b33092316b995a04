import { Document, isAlias, isMap, isScalar, isSeq, LineCounter, Pair, parseDocument, Scalar } from 'yaml'
import { visit, YAMLMap, YAMLSeq, type Alias, type Node, type ScalarTag } from 'yaml'
import { mapTag, seqTag, stringifyString, stringTag } from 'yaml/util'
import { AppError } from '../core/errors.ts'
import { isParamsFile } from '../pipeline/connect-steps.ts'

/**
 * Numbers, truth and dates are left as the text that stands there: what `no`, `2024_01` and `12:30:00` mean differs between
 * versions of YAML, and whoever reads the file decides; of a large number no digit is lost either.
 */
const AS_TEXT = { schema: 'failsafe', resolveKnownTags: false, logLevel: 'silent', uniqueKeys: false } as const

/** Escapes are read in different ways too: a pair of surrogates, an end of line of Unicode. */
const TEXT_AS_IT_STANDS: ScalarTag = {
  ...stringTag,
  stringify: (item, ...context) => sourceOf(item) ?? stringifyString(item, ...context),
}

/** A few lines of aliases can stand for more than fits into memory. */
const MOST_NODES_OF_ALIASES = 100_000

/** A params file, and what is taken of it: values as the file writes them, never as we would read them. */
export interface ParamsDocument {
  readonly path: string
  readonly text: string
  readonly document: Document
}

export function readParams(path: string, text: string): ParamsDocument {
  if (!isParamsFile(path)) {
    throw new AppError('INVALID_INPUT', `params: ${path} is neither YAML nor JSON; use one of them.`)
  }
  try {
    // JSON reads as YAML does, which also says where its values stand; but it must be JSON.
    if (isJson(path)) JSON.parse(text)
    const lineCounter = new LineCounter()
    const document: Document = parseDocument(text, { ...AS_TEXT, lineCounter })
    const [error] = document.errors
    if (error !== undefined) throw error
    if (!isJson(path)) requireKeysOnce(document, lineCounter)
    return { path, text, document }
  } catch (error) {
    // Behind its first line a reader shows the place once more.
    const [reason = ''] = (error as Error).message.split('\n')
    throw new AppError('INVALID_INPUT', `params: ${path} cannot be read: ${reason.replace(/:$/, '')}`)
  }
}

/** The parser compares each key with every other: of a file of a megabyte that would take a minute. */
function requireKeysOnce(document: Document, lines: LineCounter): void {
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (!seen.has(key.value)) {
          seen.add(key.value)
          continue
        }
        const { line, col } = lines.linePos(key.range?.[0] ?? 0)
        throw new Error(`the key ${String(key.value)} stands twice, again at line ${line}, column ${col}`)
      }
    },
  })
}

/** Only what stands below the dotted keys, at the same place and in the order of the file; what `<<` brings in comes last. */
export function pruneParams(params: ParamsDocument, keys: readonly string[]): YAMLMap {
  const copier = createCopier(params)
  const pruned = prune(
    params.document.contents,
    keys.map((key) => key.split('.')),
  )
  return isMap(pruned) ? pruned : new YAMLMap()

  function prune(node: unknown, paths: readonly (readonly string[])[]): unknown {
    if (paths.some((path) => path.length === 0)) return copier.copy(node)
    const kept = new YAMLMap()
    for (const pair of wantedOf(node, new Set(paths.map(([name = '']) => name)))) {
      const below = paths.filter(([name]) => name === nameOf(pair)).map(([, ...rest]) => rest)
      kept.items.push(new Pair(copier.copy(pair.key), prune(pair.value, below)))
    }
    return kept
  }

  function wantedOf(node: unknown, names: ReadonlySet<string>): Pair[] {
    const own = membersOf(copier.resolve(node)).filter((pair) => names.has(nameOf(pair)))
    const found = new Set(own.map(nameOf))
    const missing = [...names].filter((name) => !found.has(name))
    return [...own, ...missing.flatMap((name) => memberOf(node, name, copier.resolve) ?? [])]
  }
}

/** As a file of the format that the whole one has. */
export function writeParams({ path, text }: ParamsDocument, pruned: YAMLMap): string {
  if (isJson(path)) return `${jsonOf(pruned, text, '')}\n`
  const document = new Document(null, { ...AS_TEXT, customTags: () => [mapTag, seqTag, TEXT_AS_IT_STANDS] })
  document.contents = pruned
  return document.toString({ lineWidth: 0 })
}

/** Undefined: there is no such key. */
export function valueAt(node: unknown, key: string): { readonly value: unknown } | undefined {
  let found: { readonly value: unknown } | undefined = { value: node }
  for (const name of key.split('.')) found = memberOf(found?.value, name, (node) => node)
  return found
}

/** For people, and to compare with: text where the file has a value. */
export function wordsOf(node: unknown, path: string): unknown {
  if (isMap(node)) return Object.fromEntries(node.items.map((pair) => [nameOf(pair), wordsOf(pair.value, path)]))
  if (isSeq(node)) return node.items.map((item) => wordsOf(item, path))
  if (isAlias(node)) return `*${node.source}`
  if (!isScalar(node)) return ''
  // In YAML quotes can make another value: "no" is a word.
  return isPlain(node) || isJson(path) ? String(node.value) : JSON.stringify(node.value)
}

function isJson(path: string): boolean {
  return path.endsWith('.json')
}

function isPlain({ type }: Scalar): boolean {
  return type === 'PLAIN'
}

/** Items of a list by their number. */
function membersOf(node: unknown): Pair[] {
  if (isMap(node)) return node.items
  if (isSeq(node)) return node.items.map((item, at) => new Pair(plain(String(at)), item))
  return []
}

type Resolve = (node: unknown) => unknown

/** Its own, of two the last; else of what `<<` brings in the first that has it. No part is looked into twice. */
function memberOf(node: unknown, name: string, resolve: Resolve): Pair | undefined {
  const seen = new Set<unknown>()
  const open = [node]
  while (open.length > 0) {
    const next = resolve(open.shift())
    if (seen.has(next)) continue
    seen.add(next)
    const own = membersOf(next).findLast((pair) => nameOf(pair) === name)
    if (own !== undefined) return own
    open.unshift(...mergedInto(next, resolve))
  }
  return undefined
}

function mergedInto(node: unknown, resolve: Resolve): unknown[] {
  if (!isMap(node)) return []
  return node.items.filter(isMerge).flatMap(({ value }) => {
    const source = resolve(value)
    return (isSeq(source) ? source.items.map(resolve) : [source]).filter(isMap)
  })
}

/** In quotes it is a name like others. */
function isMerge({ key }: Pair): boolean {
  return isScalar(key) && key.value === '<<' && isPlain(key)
}

function nameOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key)
}

function plain(text: string): Scalar {
  const scalar = new Scalar(text)
  scalar.type = 'PLAIN'
  return scalar
}

/** What we have put together is written anew, what was taken as it stands in the file. */
function jsonOf(node: unknown, text: string, indent: string): string {
  if (isMap(node) && !node.range) {
    const members = node.items.map(({ key, value }) => {
      const name = isScalar(key) && key.range ? sliceOf(key, text) : JSON.stringify(String(key))
      return `\n${indent}  ${name}: ${jsonOf(value, text, `${indent}  `)}`
    })
    return `{${members.join(',')}\n${indent}}`
  }
  return sliceOf(node as Scalar, text)
}

function sliceOf({ range }: { readonly range?: readonly [number, number, number] | null | undefined }, text: string) {
  return text.slice(range?.[0], range?.[1])
}

/**
 * Copies without comments, which change no value, and with what aliases stand for in their place: their anchors may be in
 * what is not taken.
 */
function createCopier({ path, text, document }: ParamsDocument) {
  const targets = targetsOf(document)
  const open = new Set<unknown>()
  let ofAliases = 0

  function resolve(node: unknown): unknown {
    if (!isAlias(node)) return node
    const target = targets.get(node)
    if (target === undefined) throw unreadable(node, 'stands for nothing')
    if (open.has(target)) throw unreadable(node, 'stands for something that it is a part of')
    return target
  }

  function copy(node: unknown): unknown {
    if (isAlias(node)) return copyTarget(node)
    if (open.size > 0) ofAliases += 1
    if (isMap(node)) {
      const copied = alike(new YAMLMap(), node)
      copied.items = node.items.map(({ key, value }) => new Pair(copy(key), copy(value)))
      return copied
    }
    if (isSeq(node)) {
      const copied = alike(new YAMLSeq(), node)
      copied.items = node.items.map((item) => copy(item))
      return copied
    }
    return isScalar(node) ? copyScalar(node, text) : node
  }

  function copyTarget(alias: Alias): unknown {
    const target = resolve(alias)
    if (ofAliases > MOST_NODES_OF_ALIASES) throw unreadable(alias, 'and other aliases stand for too much')
    open.add(target)
    const copied = copy(target)
    open.delete(target)
    return copied
  }

  function unreadable(alias: Alias, why: string): AppError {
    return new AppError('INVALID_INPUT', `params: ${path} cannot be read: *${alias.source} ${why}.`)
  }

  return { copy, resolve }
}

/** In one walk: of two equal anchors the one that stands last before the alias counts. */
function targetsOf(document: Document): Map<Alias, Node> {
  const anchors = new Map<string, Node>()
  const targets = new Map<Alias, Node>()
  visit(document, {
    Node(_, node) {
      if (!isAlias(node)) return void (node.anchor === undefined || anchors.set(node.anchor, node))
      const target = anchors.get(node.source)
      if (target !== undefined) targets.set(node, target)
    },
  })
  return targets
}

function alike<T extends YAMLMap | YAMLSeq>(copied: T, { flow, tag, range }: YAMLMap | YAMLSeq): T {
  return Object.assign(copied, { flow, tag, range })
}

/** Nothing is null in every version of YAML; within braces some readers stumble over it. */
function copyScalar({ value, type, tag, range }: Scalar, text: string): Scalar {
  const shown = value === '' && type === 'PLAIN' && tag === undefined ? 'null' : value
  return Object.assign(new Scalar(shown), { type, tag, range, source: sliceOf({ range }, text) })
}

/** Of what stands in double quotes on one line; several would need the indentation that they have. */
function sourceOf({ type, source }: Scalar): string | undefined {
  return type === 'QUOTE_DOUBLE' && source?.includes('\n') === false ? source : undefined
}
