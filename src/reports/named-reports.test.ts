import { expect, test } from 'vitest'
import { limit } from '../core/limits.ts'
import { namedReports } from './named-reports.ts'

const kept = (...paths: string[]) => Object.fromEntries(paths.map((path) => [path, {}]))

test('a pattern stands for the files that fit it, in order and each once; a plain name for itself', () => {
  const files = kept('target/b.xml', 'target/a.xml', 'target/deep/c.xml', 'cov.xml', 'unit.xml')

  expect(namedReports(['target/*.xml', 'target/a.xml', 'unit.xml'], files).paths).toEqual([
    'target/a.xml',
    'target/b.xml',
    'unit.xml',
  ])
  expect(namedReports(['target/**/*.xml'], files).paths).toEqual(['target/a.xml', 'target/b.xml', 'target/deep/c.xml'])
})

test('what nothing fits is named all the same, and a file may be called like a pattern', () => {
  expect(namedReports(['none/*.xml', 'gone.xml'], {}).paths).toEqual(['none/*.xml', 'gone.xml'])
  expect(namedReports(['unit[1].xml'], kept('unit[1].xml', 'unit1.xml')).paths).toEqual(['unit[1].xml'])
})

test('so many files and no more are read', () => {
  const many = kept(...Array.from({ length: limit('reportFiles') + 7 }, (_, i) => `r/${i}.xml`))

  const { paths, left } = namedReports(['r/*.xml'], many)

  expect([paths.length, left]).toEqual([limit('reportFiles'), 7])
})
