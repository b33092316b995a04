import { expect, test } from 'vitest'
import { formatProblem } from '../core/problem.ts'
import { lintPipeline } from './lint.ts'
import { parsePipeline } from './parse-pipeline.ts'
import { planRun } from './plan-run.ts'

const FILES = {
  'a.yaml': 'lr: 1\nshared: x',
  'b.yaml': 'lr: 2\nshared: x\ntrain: { depth: 3, sizes: [1] }',
  'c-1.yaml': 'rate: 10',
  'c-2.yaml': 'rate: 20',
}

function context(texts: Readonly<Record<string, string>>, more: readonly string[] = []) {
  return { files: [...Object.keys(texts), ...more], readText: (path: string) => texts[path] }
}

function lint(text: string, texts: Readonly<Record<string, string>> = FILES): string[] {
  return lintPipeline(text, context(texts)).map(formatProblem)
}

function variables(text: string): Record<string, Readonly<Record<string, string>>> {
  const { pipeline } = parsePipeline(text)
  if (pipeline === undefined) throw new Error('the file has errors')
  const { plan, problems } = planRun(pipeline, {
    project: 'p',
    branch: 'main',
    defaultBranch: 'main',
    event: 'push',
    ...context(FILES),
  })
  expect(problems).toEqual([])
  const commands = (plan?.steps ?? []).flatMap(({ key, work }) => (work.kind === 'command' ? [[key, work.env]] : []))
  return Object.fromEntries(commands)
}

test('an expression of a step sees the params files of that step first, for each member of its matrix', () => {
  const found = variables(`
steps:
  a: { run: 'echo \${{ params.lr }}', params: [a.yaml], cache: false }
  b: { run: 'echo \${{ params.lr }} \${{ params.shared }}', params: ["b.yaml:lr"], cache: false }
  c: { run: 'echo \${{ params.rate }}', params: ["c-\${{ matrix.n }}.yaml:rate"], matrix: { n: [1, 2] }, cache: false }
  d: { run: 'echo \${{ params.shared }}', cache: false }
`)

  expect(found).toMatchObject({
    a: { TIDEGATE_EXPR_1: '1' },
    b: { TIDEGATE_EXPR_1: '2', TIDEGATE_EXPR_2: 'x' },
    'c (1)': { TIDEGATE_EXPR_1: '10' },
    'c (2)': { TIDEGATE_EXPR_1: '20' },
    d: { TIDEGATE_EXPR_1: 'x' },
  })
})

test('params that no file has, that have no text, or that two files have are told where they are asked for', () => {
  const problems = lint(`
concurrency: { group: "\${{ params.nope }}" }
env: { SHARED: "\${{ params.train.dept }}" }
steps:
  a: { run: 'echo \${{ params.train }} \${{ params.train.sizes }}', params: [a.yaml, b.yaml], cache: false }
  b: { run: 'echo \${{ params.lr }}', cache: false }
  c: { run: 'echo \${{ params.lr }}', params: [a.yaml, b.yaml], cache: false }
  d: { run: echo, if: params.none, cache: false }
`)

  expect(problems).toEqual([
    'tidegate.yaml:2:28: concurrency.group: there is no params.nope in a.yaml, b.yaml',
    'tidegate.yaml:3:21: env.SHARED: there is no params.train.dept in a.yaml, b.yaml: did you mean "params.train.depth"?',
    'tidegate.yaml:5:23: steps.a.run: params.train is a mapping in b.yaml: an expression takes one text, number, true or false',
    'tidegate.yaml:5:43: steps.a.run: params.train.sizes is a list in b.yaml: an expression takes one text, number, true or false',
    'tidegate.yaml:6:23: steps.b.run: params.lr is another value in a.yaml than in b.yaml: name one of them under `params` of the step',
    'tidegate.yaml:7:23: steps.c.run: params.lr is another value in a.yaml than in b.yaml: keep one of them under `params` of the step',
    'tidegate.yaml:8:23: warning: steps.d.if: there is no params.none in a.yaml, b.yaml',
  ])
})

test('params.yaml is looked into without being named, and without any file there is nothing to look into', () => {
  const text = `steps: { a: { run: 'echo \${{ params.lr }}', cache: false } }`

  expect(lint(text, { 'params.yaml': 'lr: 1' })).toEqual([])
  expect(lint(text, {})).toEqual([
    'tidegate.yaml:1:30: steps.a.run: there is no params.lr: name its file under `params` of the step',
  ])
})

test('nothing is said about files that a step makes, nor where one that is left out may name others', () => {
  const made = `
steps:
  make: { run: 'echo > p.yaml', outs: [p.yaml], cache: false }
  a: { run: 'echo \${{ params.lr }}', params: [p.yaml], cache: false }
`
  const broken = `
steps:
  left: { run: echo, params: [b.yaml], outs: [{}], cache: false }
  a: { run: 'echo \${{ params.train.depth }}', params: [a.yaml], cache: false }
`

  expect(lint(made)).toEqual([])
  expect(lint(broken).filter((line) => line.includes('steps.a'))).toEqual([])
})

test('a params file of the commit that cannot be read is told where it is wrong, rather than read as empty', () => {
  const asking = `steps: { a: { run: 'echo \${{ params.lr }}', cache: false } }`
  const naming = `steps: { a: { run: echo, params: [p.json, params.yaml], cache: false } }`
  const other = `steps: { a: { run: echo, cache: false } }`
  const making = `steps: { m: { run: 'echo > params.yaml', outs: [params.yaml], cache: false }, a: { run: echo, params: [params.yaml], cache: false } }`
  const broken = { 'params.yaml': 'lr: [1\nb: 2\n', 'p.json': '{"a": NaN}' }
  const ofYaml = 'params.yaml:2:1: this is not YAML: Flow sequence in block collection must be sufficiently indented'

  expect(lint(asking, broken)[0]).toContain(ofYaml)
  expect(lint(asking, { 'params.yaml': 'lr: 1\n---\nlr: 2\n' })).toEqual([
    'params.yaml:2:1: write one document: nothing after `---`',
  ])
  expect(lint(asking, { 'params.yaml': 'lr: 1\nlr: 2\n' })).toEqual([
    'params.yaml:2:1: lr: this key stands here twice: write it once',
  ])
  expect(lint(naming, broken)).toEqual([
    expect.stringContaining('p.json:1:1: this is not JSON: Unexpected token'),
    expect.stringContaining(ofYaml),
  ])
  expect(lint(naming, { 'params.yaml': 'x: !!python/tuple [1]\ny: 010\n', 'p.json': '{}' })).toEqual([])
  expect(lint(other, broken)).toEqual([])
  expect(lint(making, broken).filter((line) => !line.includes('warning'))).toEqual([])
})

test('a params file that is too large is told, rather than read as empty', () => {
  const large = { 'params.yaml': `lr: 1\nrows: ${'x'.repeat(1 << 20)}\n` }

  expect(lint(`steps: { a: { run: 'echo \${{ params.lr }}', cache: false } }`, large)[0]).toMatch(
    /^params.yaml:1:1: the file has \d+ bytes, and may have 1048576/,
  )
  expect(lint(`steps: { a: { run: echo, deps: [params.yaml] } }`, large)).toEqual([])
})

test('a number that a text would have otherwise than its file is told there', () => {
  const text = `
steps:
  a: { run: 'echo \${{ params.id }} \${{ params.v }} \${{ params.lr }}', if: params.old > 1, cache: false }
  b: { run: 'echo \${{ params.v }}', params: [b.json], cache: false }
`
  const files = {
    'params.yaml': 'id: 12345678901234567890\nv: 3.10\nlr: 1e-3\nold: 1.50\nother: 2.0\nmode: 010\n',
    'b.json': '{"v": 1, "id": 1}',
  }

  expect(lint(text, { 'params.yaml': files['params.yaml'] }).filter((line) => line.startsWith('params'))).toEqual([
    'params.yaml:1:5: id: this would become 12345678901234567000: put it in quotes: "12345678901234567890"',
    'params.yaml:2:4: v: this would become 3.1: put it in quotes: "3.10"',
  ])
  expect(lint(text.replace(/^ {2}a:.*\n/m, ''), files)).toEqual([])
})

test('a file of another format is none for `params`', () => {
  const text = `steps: { a: { run: echo, params: [q.toml, "nope.py:x", ":lr"], cache: false } }`

  expect(lint(text, { 'q.toml': 'a = 1' })).toEqual([
    'tidegate.yaml:1:35: steps.a.params[0]: q.toml is neither YAML nor JSON: name the whole file in `deps`',
    'tidegate.yaml:1:43: steps.a.params[1]: "nope.py" is neither in the commit nor an out of a step',
    'tidegate.yaml:1:56: steps.a.params[2]: ":lr" names no file: write "params.yaml:lr"',
  ])
})

test('an entry of `params` that its file does not have is told, and the form of DVC is answered with ours', () => {
  const problems = lint(
    `
steps:
  a: { run: echo, params: ["params.yaml:train.nope", "params.yaml:train.dept", "params.yaml:train"], cache: false }
  b: { run: echo, params: [train.depth], cache: false }
  c: { run: echo, params: ["p-\${{ matrix.n }}.yaml:x", nothing], matrix: { n: [1, 2] }, cache: false }
  d: { run: 'echo > made.yaml', outs: [made.yaml], cache: false }
  e: { run: echo, params: ["made.yaml:x"], cache: false }
`,
    { 'params.yaml': 'train: { depth: 3 }', 'p-1.yaml': 'y: 1', 'p-2.yaml': 'x: 1', 'made.yaml': 'old: 1' },
  )

  expect(problems.filter((line) => !line.includes('warning'))).toEqual([
    'tidegate.yaml:3:28: steps.a.params[0]: params.yaml has no "train.nope"',
    'tidegate.yaml:3:54: steps.a.params[1]: params.yaml has no "train.dept": did you mean "train.depth"?',
    'tidegate.yaml:4:28: steps.b.params[0]: "train.depth" is no file, but params.yaml has it: write "params.yaml:train.depth"',
    'tidegate.yaml:5:28: steps.c.params[0]: p-1.yaml has no "x"',
    'tidegate.yaml:5:56: steps.c.params[1]: "nothing" is neither in the commit nor an out of a step',
  ])
})
