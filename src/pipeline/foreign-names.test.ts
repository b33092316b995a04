import { expect, test } from 'vitest'
import { FOREIGN_NAMES } from './foreign-names.ts'
import { parsePipeline } from './parse-pipeline.ts'

/** A file with a key of its own at each place that has names of others. */
const PLACES: Readonly<Record<string, (entry: object) => object>> = {
  '': (entry) => ({ steps: { a: { run: 'x' } }, ...entry }),
  on: (entry) => ({ on: entry, steps: { a: { run: 'x' } } }),
  trigger: (entry) => ({ on: { push: entry }, steps: { a: { run: 'x' } } }),
  schedule: (entry) => ({ on: { schedule: [{ cron: '0 4 * * 1', ...entry }] }, steps: { a: { run: 'x' } } }),
  deliver: (entry) => ({ deliver: { branches: ['main'], ...entry }, steps: { a: { run: 'x' } } }),
  concurrency: (entry) => ({ concurrency: { group: 'a', ...entry }, steps: { a: { run: 'x' } } }),
  build: (entry) => ({ build: entry, steps: { a: { run: 'x' } } }),
  dataset: (entry) => ({ data: { 'a.csv': { from: 'production', ...entry } }, steps: { a: { run: 'x' } } }),
  step: (entry) => ({ steps: { a: { run: 'x', ...entry } } }),
  matrix: (entry) => ({ steps: { a: { run: 'x', matrix: { k: [1], ...entry } } } }),
  retry: (entry) => ({ steps: { a: { run: 'x', retry: entry } } }),
  resources: (entry) => ({ steps: { a: { run: 'x', resources: entry } } }),
  reports: (entry) => ({ steps: { a: { run: 'x', reports: entry } } }),
  need: (entry) => ({ steps: { a: { run: 'x', needs: [{ step: 'b', ...entry }] }, b: { run: 'x' } } }),
  model: (entry) => ({ steps: { a: { run: 'x' } }, model: { path: 'm.onnx', ...entry } }),
  evaluation: (entry) => ({
    steps: { a: { run: 'x' } },
    model: { path: 'm.onnx' },
    evaluation: { data: 'd.csv', label: 'y', task: 'classification', ...entry },
  }),
  gate: (entry) => ({ steps: { a: { run: 'x' } }, gates: [{ metric: 'accuracy', min: 0.9, ...entry }] }),
  environment: (entry) => ({
    steps: { a: { run: 'x' } },
    environments: { production: { approval: 'none', ...entry } },
  }),
  approval: (entry) => ({
    steps: { a: { run: 'x' } },
    environments: { production: { approval: { reviewers: ['ana'], ...entry } } },
  }),
  notify: (entry) => ({ steps: { a: { run: 'x' } }, notify: entry }),
}

const ALL = Object.entries(FOREIGN_NAMES).flatMap(([place, names]) =>
  Object.entries(names).map(([key, ours]) => [place, key, ours] as const),
)

test.each(ALL)('at %j, %s is answered with what it is called here', (place, key, ours) => {
  const around = PLACES[place]
  if (around === undefined) throw new Error(`no example for the place "${place}"`)
  const { problems } = parsePipeline(JSON.stringify(around({ [key]: 'x' })))

  expect(problems.map(({ message }) => message)).toContain(`unknown key "${key}": here it is ${ours}`)
})

test('entries that are mappings in DVC are answered with how they are written here', () => {
  const step = { run: 'x', outs: [{ 'm.pkl': { cache: false } }], params: [{ 'p.yaml': ['lr', 'depth'] }] }
  const { problems } = parsePipeline(JSON.stringify({ steps: { a: step } }))

  expect(problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'steps.a.outs[0]: write the path alone: m.pkl',
    'steps.a.params[0]: write it as one text: "p.yaml:lr"',
  ])
})
