import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { lintPipeline } from '../../src/pipeline/lint.ts'
import { badAnswer, brokenBytes, brokenTrees, PIECES, realFiles } from './mutate.ts'

/** Of each kind; a long search asks for more. */
const MUTATIONS = Number(process.env['TIDEGATE_FUZZ_RUNS'] ?? 2_500)

test.each([
  ['bytes', brokenBytes],
  ['parts', brokenTrees],
])('real files with broken %s are refused with places, or can be planned', (_, broken) => {
  fc.assert(
    fc.property(broken(realFiles()), (text) => {
      expect(badAnswer(text)).toBeUndefined()
    }),
    { numRuns: MUTATIONS },
  )
})

test('any text at all ends in problems at places of the file', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 300, unit: 'binary' }),
    fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((pieces) => pieces.join('')),
  )

  fc.assert(fc.property(text, expectProblemsInside), { numRuns: 700 })
})

test('any values in the places of known keys end in problems, never in a crash', () => {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>(null, true, 1, -1, 0.5, '', 'a', 'production', '5%', '1d', 'none'),
      tie('list'),
      tie('map'),
    ),
    list: fc.array(tie('value'), { maxLength: 3 }),
    map: fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 6 }),
  }))

  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 8 }), (document) => {
      expectProblemsInside(JSON.stringify(document))
    }),
    { numRuns: 700 },
  )
})

const KEYS = (
  'version name on push schedule deliver concurrency build environments data env steps model evaluation gates notify run deps outs ' +
  'needs matrix include path metric max min from approval rollout monitors kind actions production train constructor toString __proto__'
).split(' ')

function expectProblemsInside(text: string): void {
  expect(badAnswer(text)).toBeUndefined()
}

test('short texts that stand for gigabytes, or for endless depth, are refused at once', () => {
  const laughs = Array.from(
    { length: 12 },
    (_, index) => `a${index}: &a${index} [${`*a${index - 1}, `.repeat(9)}]`,
  ).slice(1)
  const bombs = {
    laughs: `a0: &a0 [x]\n${laughs.join('\n')}\n`,
    brackets: '['.repeat(200_000),
    dashes: '- '.repeat(100_000),
    maps: '{a: '.repeat(100_000),
    keys: Array.from({ length: 60_000 }, (_, index) => `k${index}: 1\n`).join(''),
    self: 'a: &a [*a]\n',
    stars: `steps: { train: { run: x, deps: ["${'*a'.repeat(400)}z"] } }`,
    columns: `steps: {}\nmodel: { path: m.onnx, inputs: { x: ["${'1'.repeat(90_000)}"] } }`,
    matrix: `steps: { train: { run: x, matrix: { ${'abcdefgh'
      .split('')
      .map((axis) => `${axis}: [${Array.from({ length: 300 }).keys().toArray().join(',')}]`)
      .join(', ')} } } }`,
    large: `# ${'x'.repeat(2 << 20)}`,
    expression: `steps: { train: { run: x, if: "${'not '.repeat(900)}x" } }`,
    parentheses: `steps: { train: { run: x, if: "${'('.repeat(700)}" } }`,
  }

  for (const [name, text] of Object.entries(bombs)) {
    const problems = lintPipeline(text, { files: ['x/y/z', 'a'.repeat(2_000)] })

    expect(problems.length, name).toBeGreaterThan(0)
  }
})
