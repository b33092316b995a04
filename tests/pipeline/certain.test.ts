import { parse, stringify } from 'yaml'
import { expect, test } from 'vitest'
import { lintPipeline } from '../../src/pipeline/lint.ts'
import { formatPath, type Path } from '../../src/pipeline/path.ts'
import { realFiles } from './mutate.ts'

const FILES = ['train.py', 'prepare.py', 'src/a.py', 'requirements.txt', 'params.yaml', 'test.csv']

/** Of each kind of damage: as a slip of the finger, and as a value of a kind that stands nowhere. */
const DAMAGES: readonly ((holder: Record<string, unknown>, key: string) => Record<string, unknown>)[] = [
  (holder, key) => renamed(holder, key, `${key}x`),
  (holder, key) => ({ ...holder, [key]: [[[]]] }),
]

/** Of so many parts one: all of them, with `TIDEGATE_FUZZ_RUNS`, take their time. */
const SHARE = process.env['TIDEGATE_FUZZ_RUNS'] === undefined ? 4 : 1

test('one broken part of a file brings no errors about the other parts', () => {
  const wrong = realFiles().flatMap((text) => {
    const tree = treeOf(text)
    if (tree === undefined) return []
    const before = new Set(errorsOf(tree).map(({ path }) => path))
    return [...keysOf(tree, [])]
      .filter((_, index) => index % SHARE === 0)
      .flatMap((path) =>
        DAMAGES.flatMap((damage, kind) => {
          const broken = damaged(tree, path, damage)
          const errors = errorsOf(broken)
          // A name that people chose is another name then.
          if (kind === 0 && !errors.some(({ message }) => message.startsWith('unknown key'))) return []
          const others = errors.filter((error) => !before.has(error.path) && !isAbout(error.path, path))
          return others.map((error) => `${kind} ${formatPath(path)} brings ${error.path}: ${error.message}`)
        }),
      )
  })

  expect(wrong).toEqual([])
})

function errorsOf(tree: unknown) {
  return lintPipeline(stringify(tree), { files: FILES }).filter(({ severity }) => severity === 'error')
}

/** At the part, or at what lost it. */
function isAbout(path: string, broken: Path): boolean {
  const holder = formatPath(broken.slice(0, -1))
  const top = String(broken[0])
  return holder === '' ? path === '' || path.startsWith(top) : path.startsWith(holder)
}

function treeOf(text: string): Record<string, unknown> | undefined {
  try {
    const tree: unknown = parse(text, { merge: true, logLevel: 'error' })
    return isMapping(tree) ? tree : undefined
  } catch {
    return undefined
  }
}

function* keysOf(tree: unknown, path: Path): Generator<Path> {
  if (!isMapping(tree) || path.length > 2) return
  for (const [key, value] of Object.entries(tree)) {
    yield [...path, key]
    yield* keysOf(value, [...path, key])
  }
}

function damaged(tree: unknown, [first = '', ...rest]: Path, damage: (typeof DAMAGES)[number]): unknown {
  const holder = tree as Record<string, unknown>
  if (rest.length === 0) return damage(holder, String(first))
  return { ...holder, [first]: damaged(holder[first], rest, damage) }
}

function renamed(holder: Record<string, unknown>, key: string, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(holder).map(([each, value]) => [each === key ? name : each, value]))
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
