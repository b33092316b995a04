import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { parse, stringify } from 'yaml'
import { lintPipeline } from '../../src/pipeline/lint.ts'
import { expressionContext } from '../../src/pipeline/params.ts'
import { parsePipeline } from '../../src/pipeline/parse-pipeline.ts'
import type { PlanContext } from '../../src/pipeline/plan-context.ts'
import { planRun } from '../../src/pipeline/plan-run.ts'
import { concurrencyGroup, startsRun } from '../../src/pipeline/starts-run.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Pipeline files that people could have written: the cases, the scenarios and the examples. */
export function realFiles(): string[] {
  const folders = ['tests/pipeline/cases', 'tests/scenarios', 'examples'].map((folder) => join(ROOT, folder))
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.yaml') && !file.includes('node_modules'))
      .sort()
      .map((file) => readFileSync(join(folder, file), 'utf8')),
  )
}

const SOURCES: Readonly<Record<string, string>> = {
  'train.py': 'import src.a\nfrom . import b\n',
  'prepare.py': 'import train',
  'src/a.py': '',
  'requirements.txt': '-r dev.txt\n',
  'params.yaml': 'train: { lr: 1 }\nout: ../x\n',
  'test.csv': '',
}

/**
 * Why this text is badly answered; undefined: it is not. A text is refused with places inside it, or everything
 * that is done with an accepted one works. Throws where the code does.
 */
export function badAnswer(text: string): string | undefined {
  const context: PlanContext = {
    project: 'digits',
    branch: 'main',
    defaultBranch: 'main',
    event: 'alert',
    files: Object.keys(SOURCES),
    people: { persons: ['ana'], groups: [] },
    readText: (path) => SOURCES[path],
  }
  const lines = text.split(/\r?\n/)
  const { pipeline, problems } = parsePipeline(text)
  if (pipeline === undefined && problems.length === 0) return 'refused without a problem'
  const { plan, problems: planned } = pipeline === undefined ? { problems: [] } : planRun(pipeline, context)
  if (pipeline !== undefined && plan === undefined && planned.length === 0) return 'no plan, and no problem'
  for (const problem of [...problems, ...planned, ...lintPipeline(text, context)]) {
    const line = lines[problem.line - 1]
    if (problem.message === '') return 'a problem without a message'
    if (line === undefined || problem.column < 1) return `line ${problem.line} of ${lines.length}`
    // The end of the line, and the line break itself, are places too.
    if (problem.column > line.length + 2) return `column ${problem.column} of ${line.length}`
  }
  if (pipeline === undefined || plan === undefined) return undefined
  startsRun(pipeline, { event: 'push', branch: 'main', changedFiles: ['a'] })
  concurrencyGroup(pipeline, expressionContext(pipeline, context))
  const keys = new Set(plan.steps.map(({ key }) => key))
  if (keys.size !== plan.steps.length) return 'two steps of one key'
  const lost = plan.steps.flatMap(({ needs }) => needs).find(({ step, optional }) => !optional && !keys.has(step))
  if (lost !== undefined) return `a need of ${lost.step}, which is not there`
  return JSON.stringify(JSON.parse(JSON.stringify(plan))) === JSON.stringify(plan)
    ? undefined
    : 'a plan that is no JSON'
}

/** Bytes of a real file changed: what a bad disk, a merge or a hurried person does. */
export function brokenBytes(seeds: readonly string[]): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.oneof(fc.constant(0), fc.nat({ max: 60 })),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc.constantFrom(...PIECES).map((piece) => Buffer.from(piece)),
    ),
    copy: fc.nat({ max: 80 }),
  })
  const edits = fc.array(edit, { minLength: 1, maxLength: 5 })
  return fc.tuple(fc.constantFrom(...seeds), edits).map(([seed, all]) => {
    let bytes = Buffer.from(seed)
    for (const { at, remove, insert, copy } of all) {
      const start = Math.floor(at * bytes.length)
      const copied = bytes.subarray(start, start + copy)
      bytes = Buffer.concat([bytes.subarray(0, start), insert, copied, bytes.subarray(start + remove)])
    }
    return bytes.toString('utf8')
  })
}

/** What breaks parsers: structure, references, markers, deep or odd text. */
export const PIECES = [
  ...'{ } [ ] : " \' &a *a #x ? ! ` ~ null true .nan -.inf 1e999 0x1F %YAML __proto__:1 constructor: **/* ../'.split(
    ' ',
  ),
  '\n',
  '\t',
  '  ',
  '- ',
  ': ',
  '&a ',
  '<<: *a',
  '|\n',
  '>-\n',
  '---\n',
  '...\n',
  '!!binary x',
  '\u0000',
  '\uFEFF',
  '\u2028',
  '\uD800',
  'é',
  '${{',
  '}}',
  "${{ branch == 'x' }}",
  '${{ matrix.x }}',
  '$(( ',
  '<<EOF\n',
  'steps:\n',
]

type Tree = Record<string, unknown> | unknown[]

/** Parts of real files put where others were: well-formed, and rarely meant. */
export function brokenTrees(seeds: readonly string[]): fc.Arbitrary<string> {
  const trees = seeds.flatMap((seed) => wholeTree(seed))
  const parts = trees.flatMap((tree) => [...partsOf(tree)].map(({ holder, key }) => (holder as never)[key] as unknown))
  const keys = [...new Set(trees.flatMap((tree) => [...partsOf(tree)].map(({ key }) => String(key))))]
  const odd = fc.constantFrom<unknown>(
    null,
    '',
    0,
    -1,
    1e21,
    true,
    [],
    {},
    [[]],
    { a: { a: {} } },
    '${{ matrix.x }}',
    '../x',
    'a'.repeat(300),
  )
  const change = fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('remove', 'replace', 'odd', 'rename', 'add', 'twice'),
    part: fc.nat({ max: parts.length - 1 }),
    key: fc.constantFrom(...keys, '__proto__', 'constructor', 'toString'),
    odd,
  })
  return fc
    .tuple(fc.constantFrom(...trees), fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([seed, changes, asJson]) => {
      const tree = structuredClone(seed)
      for (const each of changes) {
        const places = [...partsOf(tree)]
        const place = places[each.at % Math.max(1, places.length)]
        if (place !== undefined) changeTree(place, each, structuredClone(parts[each.part]))
      }
      return asJson ? JSON.stringify(tree) : stringify(tree, { aliasDuplicateObjects: false })
    })
}

interface PlaceOfPart {
  readonly holder: Tree
  readonly key: string | number
}

function changeTree(
  { holder, key }: PlaceOfPart,
  change: { kind: string; key: string; odd: unknown },
  part: unknown,
): void {
  const own = holder as Record<string | number, unknown>
  const put = (name: string | number, value: unknown) =>
    Object.defineProperty(own, name, { value, writable: true, enumerable: true, configurable: true })
  if (change.kind === 'remove') delete own[key]
  else if (change.kind === 'replace') put(key, part)
  else if (change.kind === 'odd') put(key, structuredClone(change.odd))
  else if (change.kind === 'twice') put(Array.isArray(holder) ? holder.length : `${key}2`, structuredClone(own[key]))
  else if (Array.isArray(holder)) put(holder.length, part)
  else if (change.kind === 'add') put(change.key, part)
  else {
    put(change.key, own[key])
    if (change.key !== key) delete own[key]
  }
}

function wholeTree(seed: string): Tree[] {
  try {
    const tree: unknown = parse(seed, { logLevel: 'error' })
    return typeof tree === 'object' && tree !== null ? [structuredClone(tree) as Tree] : []
  } catch {
    return []
  }
}

function* partsOf(tree: Tree): Generator<PlaceOfPart> {
  const entries = Array.isArray(tree) ? [...tree.entries()] : Object.entries(tree)
  for (const [key, value] of entries) {
    yield { holder: tree, key }
    // The bytes of a `!!binary` are one part: they cannot be taken out singly.
    const hasParts = typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)
    if (hasParts) yield* partsOf(value as Tree)
  }
}
