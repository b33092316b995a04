import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatProblem } from '../../src/core/problem.ts'
import { initPipeline } from '../../src/pipeline/init.ts'
import { lintPipeline } from '../../src/pipeline/lint.ts'
import { brokenBytes, brokenTrees } from './mutate.ts'

/** Each folder is a repository; `<folder>.txt` beside it is what `tidegate init` says and writes there. */
const FOLDER = join(import.meta.dirname, 'init')
const NAMES = readdirSync(FOLDER, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))

test.each(NAMES)('what init writes for %s passes the linter', async (name) => {
  const root = join(FOLDER, name)
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()
  const readText = (path: string) => (files.includes(path) ? readFileSync(join(root, path), 'utf8') : undefined)

  const { text, notes } = initPipeline(files, readText)

  expect(lintPipeline(text, { files, readText }).map(formatProblem)).toEqual([])
  await expect([...notes.map((note) => `- ${note}\n`), '\n', text].join('')).toMatchFileSnapshot(
    join(FOLDER, `${name}.txt`),
  )
})

test.each(['dvc.yaml', 'MLproject'])('whatever is in a %s, what init writes has no errors', (foreign) => {
  const seeds = NAMES.map((name) => join(FOLDER, name, foreign))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'))
  const files = [foreign, 'train.py', 'params.yaml', 'src/prepare.py']

  fc.assert(
    fc.property(fc.oneof(brokenBytes(seeds), brokenTrees(seeds)), (text) => {
      const readText = (path: string) =>
        path === foreign ? text : path === 'params.yaml' ? 'train: { epochs: 3 }' : ''
      const written = initPipeline(files, readText).text
      const errors = lintPipeline(written, { files, readText }).filter(({ severity }) => severity === 'error')
      expect(errors.map(formatProblem)).toEqual([])
    }),
    { numRuns: 250 },
  )
})
