import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ERRORS } from '../../src/core/errors.ts'
import { STAGES } from '../../src/core/stages.ts'
import { leaves } from '../../tools/docs/print-cli.ts'
import { printAll } from '../../tools/docs/print-all.ts'
import { createProgram } from '../../src/cli/program.ts'
import { ROOT } from './pages.ts'

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

test.each(Object.entries(printAll()))('%s is what the code says', (path, text) => {
  expect(read(path)).toBe(text)
})

test('every error has a line in the reference', () => {
  const page = read('docs/reference/errors.md')

  expect(Object.keys(ERRORS).filter((code) => !page.includes(`\`${code}\``))).toEqual([])
})

test('every command and every option says what it does', () => {
  const silent = leaves(createProgram('')).flatMap(({ name, command }) => [
    ...(command.description() === '' ? [name] : []),
    ...command.options.filter((option) => option.description === '').map((option) => `${name} ${option.flags}`),
  ])

  expect(silent).toEqual([])
})

test('the architecture names every stage and where it lives', () => {
  const page = read('ARCHITECTURE.md')

  expect(STAGES.filter(({ title, folder }) => !page.includes(`| ${title} | \`${folder}/\` |`))).toEqual([])
})

test('the README says what Tidegate is in five lines, shows it, and begins with two lines to type', () => {
  const [title = '', said = '', picture = ''] = read('README.md').split('\n\n')
  const [demo, tests] = [...read('README.md').matchAll(/```sh\n(.*)\n```/g)].map((match) => match[1])

  expect(title).toBe('# Tidegate')
  expect(said.split('\n')).toHaveLength(5)
  expect(picture).toContain('docs/images/eight-stages.png')
  expect([demo, tests]).toEqual(['npm ci && npm run demo', 'npm ci && npm test'])
})
