import { z } from 'zod'
import type { Problem } from '../core/problem.ts'
import { Count, defined, refuse, Share, Text } from './keys/scalars.ts'
import type { Path } from './path.ts'
import { shapeProblems } from './shape-problems.ts'
import { readYaml } from './yaml-source.ts'

/** Tests of what a model answers when its input changes. Made by `readBehaviour` only. */
export type BehaviourTest = { readonly name: string } & (InvarianceTest | DirectionalTest | FunctionalityTest)

interface ChangingTest {
  readonly change: Readonly<Record<string, InputChange>>
  /** So many rows of the evaluation's data. */
  readonly rows: number
  readonly seed: number
  /** Share of the rows that may fail, 0..1. */
  readonly atMost: number
}

/** The answer must not change: regression by more than the tolerance, scores too where it is given. */
export interface InvarianceTest extends ChangingTest {
  readonly kind: 'invariance'
  readonly tolerance?: number
}

/** The answer, or the score of the class `of`, must move so. */
export interface DirectionalTest extends ChangingTest {
  readonly kind: 'directional'
  readonly must: 'rise' | 'fall' | 'not-rise' | 'not-fall'
  readonly of?: string
}

/** These rows, this answer. */
export interface FunctionalityTest {
  readonly kind: 'functionality'
  readonly rows: readonly Readonly<Record<string, Scalar>>[]
  readonly answer: string
  readonly tolerance: number
}

type Scalar = string | number | boolean | null

export type InputChange =
  | { readonly kind: 'set'; readonly value: Scalar }
  | { readonly kind: 'add'; readonly value: number }
  | { readonly kind: 'scale'; readonly value: number }
  | { readonly kind: 'replace'; readonly from: string; readonly to: string }
  /** Normal, with this standard deviation. */
  | { readonly kind: 'noise'; readonly sd: number }

const AnyScalar = z.union([z.string(), z.number(), z.boolean(), z.null()], { error: 'write a value: text or a number' })

const CHANGE_HINT =
  'write one of { set: 5 }, { add: 1 }, { scale: 1.1 }, { replace: { from: a, to: b } }, { noise: 0.1 }'

const Change = z
  .strictObject({
    set: AnyScalar.exactOptional(),
    add: z.number().exactOptional(),
    scale: z.number().exactOptional(),
    replace: z.strictObject({ from: z.string().min(1), to: z.string() }).exactOptional(),
    noise: z.number().gt(0).exactOptional(),
  })
  .transform((raw, context): InputChange => {
    const { set, add, scale, replace, noise } = raw
    if (Object.keys(raw).length !== 1) return refuse(context, CHANGE_HINT)
    if (set !== undefined) return { kind: 'set', value: set }
    if (add !== undefined) return { kind: 'add', value: add }
    if (scale !== undefined) return { kind: 'scale', value: scale }
    if (replace !== undefined) return { kind: 'replace', ...replace }
    return { kind: 'noise', sd: noise ?? 0 }
  })

const Changes = z.record(Text, Change).refine((changes) => Object.keys(changes).length > 0, CHANGE_HINT)

const RawTest = z.strictObject({
  name: Text.max(200, 'that name is too long'),
  invariance: Changes.exactOptional(),
  directional: Changes.exactOptional(),
  must: z.enum(['rise', 'fall', 'not-rise', 'not-fall']).exactOptional(),
  of: z.union([z.string(), z.number().transform(String)]).exactOptional(),
  functionality: z.array(z.record(Text, AnyScalar)).min(1, 'write one row or more').max(1_000).exactOptional(),
  answer: z.union([z.string(), z.number().transform(String), z.boolean().transform(String)]).exactOptional(),
  tolerance: z.number().min(0).exactOptional(),
  rows: Count.max(10_000, 'write 10000 or fewer').exactOptional(),
  seed: z.int().min(0).exactOptional(),
  'at-most': Share.exactOptional(),
})

const KINDS = ['invariance', 'directional', 'functionality'] as const

const OWN_KEYS = {
  invariance: ['tolerance', 'rows', 'seed', 'at-most'],
  directional: ['must', 'of', 'rows', 'seed', 'at-most'],
  functionality: ['answer', 'tolerance'],
} as const

const Test = RawTest.transform((raw, context): BehaviourTest => {
  const kinds = KINDS.filter((kind) => raw[kind] !== undefined)
  const [kind] = kinds
  if (kind === undefined || kinds.length > 1) return refuse(context, `write one of ${KINDS.join(', ')}`)
  const stray = Object.keys(raw).find(
    (key) => key !== 'name' && key !== kind && !(OWN_KEYS[kind] as readonly string[]).includes(key),
  )
  if (stray !== undefined)
    return refuse(context, `a test of ${kind} has no \`${stray}\`: it has ${OWN_KEYS[kind].join(', ')}`, [stray])
  const shared = { name: raw.name, rows: raw.rows ?? 200, seed: raw.seed ?? 1, atMost: raw['at-most'] ?? 0 }
  if (raw.invariance !== undefined) {
    return { ...shared, kind: 'invariance', change: raw.invariance, ...defined({ tolerance: raw.tolerance }) }
  }
  if (raw.directional !== undefined) {
    if (raw.must === undefined) return refuse(context, '`must` is missing: write rise, fall, not-rise or not-fall')
    return { ...shared, kind: 'directional', change: raw.directional, must: raw.must, ...defined({ of: raw.of }) }
  }
  if (raw.answer === undefined) return refuse(context, '`answer` is missing: what the model must say to these rows')
  return {
    name: raw.name,
    kind: 'functionality',
    rows: raw.functionality ?? [],
    answer: raw.answer,
    tolerance: raw.tolerance ?? 0,
  }
})

const MOST_TESTS = 200

const BehaviourFile = z.strictObject({
  tests: z
    .array(Test, { error: 'write a list of tests' })
    .min(1, 'write one test or more')
    .max(MOST_TESTS, `write ${MOST_TESTS} tests or fewer`),
})

const KNOWN_KEYS: Readonly<Record<number, readonly string[]>> = {
  0: ['tests'],
  2: Object.keys(RawTest.shape),
  4: ['set', 'add', 'scale', 'replace', 'noise'],
}

/** All that is wrong with a file of behaviour tests, each at its place; no problems: its tests. */
export function readBehaviour(
  text: string,
  file: string,
): { readonly tests: readonly BehaviourTest[]; readonly problems: readonly Problem[] } {
  const yaml = readYaml(text, file)
  if (yaml.problems.length > 0) return { tests: [], problems: yaml.problems }
  const read = BehaviourFile.safeParse(yaml.value ?? {}, { reportInput: true })
  if (!read.success) {
    const knownKeys = (path: Path): readonly string[] => KNOWN_KEYS[path.length] ?? []
    return { tests: [], problems: shapeProblems(read.error.issues, { yaml, knownKeys, foreignNames: {} }) }
  }
  const { tests } = read.data
  const problems = tests.flatMap(({ name }, index) =>
    tests.findIndex((other) => other.name === name) === index
      ? []
      : [yaml.problemAt(['tests', index, 'name'], `there is another test "${name}"`)],
  )
  return { tests, problems }
}
