import { expect, test } from 'vitest'
import { parsePipeline } from './parse-pipeline.ts'
import type { Pipeline } from './pipeline.ts'
import { concurrencyGroup, startsRun, type Trigger } from './starts-run.ts'

function pipelineOn(on: string, more = ''): Pipeline {
  const { pipeline } = parsePipeline(`on: ${on}\n${more}\nsteps: { a: { run: a } }\n`)
  return pipeline!
}

const PUSH: Trigger = { event: 'push', branch: 'main', changedFiles: ['src/a.py', 'docs/x.md'] }

test.each<[string, Partial<Trigger>, boolean]>([
  ['{ push: { branches: [main] } }', {}, true],
  ['{ push: { branches: [main] } }', { branch: 'other' }, false],
  ['{ push: { branches: ["release/*"] } }', { branch: 'release/1' }, true],
  ['{ push: { branches: ["release/*"] } }', { branch: 'release/1/2' }, false],
  ['{ push: { branches: ["**"], branches-ignore: ["wip/**"] } }', { branch: 'wip/a/b' }, false],
  ['{ push: { paths: ["src/**"] } }', {}, true],
  ['{ push: { paths: ["data/**"] } }', {}, false],
  ['{ push: { paths: ["data/**"] } }', { changedFiles: [] }, true],
  ['{ push: { paths-ignore: ["docs/**"] } }', {}, true],
  ['{ push: { paths-ignore: ["docs/**"] } }', { changedFiles: ['docs/x.md'] }, false],
  ['{ push: { paths: ["src/**"], paths-ignore: ["src/*.py"] } }', {}, false],
  ['{ push: {} }', { tag: 'v1' }, false],
  ['{ push: { tags: ["v*"] } }', { tag: 'v1' }, true],
  ['{ push: { branches: [other], tags: ["v*"] } }', { tag: 'v1' }, true],
  ['{ push: { tags: ["v*"] } }', {}, false],
  ['{ push: { tags: ["v*"], paths: ["src/**"] } }', {}, false],
  ['{ push: { branches-ignore: [wip], tags: ["v*"] } }', {}, true],
  ['{ push: { branches: [main] } }', { tag: 'v1' }, false],
  ['{ push: }', {}, true],
  ['{ pull-request: {} }', {}, false],
  ['{ push: {} }', { event: 'pull-request' }, false],
  ['{ pull-request: { branches: [main] } }', { event: 'pull-request' }, true],
])('on: %s and %j start a run: %s', (on, trigger, starts) => {
  expect(startsRun(pipelineOn(on), { ...PUSH, ...trigger })).toBe(starts)
})

test('without `on`, pushes and pull requests start runs and tags do not', () => {
  const { pipeline } = parsePipeline('steps: { a: { run: a } }')

  expect(startsRun(pipeline!, PUSH)).toBe(true)
  expect(startsRun(pipeline!, { ...PUSH, event: 'pull-request' })).toBe(true)
  expect(startsRun(pipeline!, { ...PUSH, tag: 'v1' })).toBe(false)
})

test('a concurrency group has its expressions filled in', () => {
  const pipeline = pipelineOn('{ push: {} }', 'concurrency: { group: "x-${{ branch }}", policy: cancel-running }')

  expect(concurrencyGroup(pipeline, PUSH)).toEqual({ group: 'x-main', policy: 'cancel-running' })
  expect(concurrencyGroup(pipelineOn('{ push: {} }'), PUSH)).toBeUndefined()
})
