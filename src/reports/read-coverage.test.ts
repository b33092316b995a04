import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isAppError } from '../core/errors.ts'
import { hitsOf, judgeHits } from './judge-coverage.ts'
import { countLines, readCoverage } from './read-coverage.ts'

const COBERTURA = (filename: string) => `<?xml version="1.0"?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage line-rate="0.5"><sources><source>/place/run/src</source></sources><packages><package><classes>
<class filename="${filename}"><methods><method name="f"><lines><line number="1" hits="3"/></lines></method></methods>
<lines><line number="1" hits="3"/><line number="2" hits="0"/><line number="4" hits="0"/><line number="9" hits="0"/></lines></class>
</classes></package></packages></coverage>`

test.each([
  ['cobertura-coverage-py.xml', 'scale.py', { lines: 8, covered: 5 }],
  ['coverage-py.lcov', 'scale.py', { lines: 8, covered: 5 }],
  ['jest.lcov', 'sum.js', { lines: 4, covered: 2 }],
])('%s: lines of %s are %o', async (file, path, counts) => {
  const text = readFileSync(new URL(`../../tests/fixtures/reports/${file}`, import.meta.url), 'utf8')

  const { files } = await readCoverage(text)

  expect(files.map((one) => [one.path, countLines(one.hits)])).toEqual([[path, counts]])
})

test.each([['<testsuite/>'], ['<coverage line-rate="1"/>'], ['FAILED'], [''], ['<coverage><class filename="a">']])(
  '%j is no coverage',
  async (text) => {
    const error: unknown = await readCoverage(text).catch((caught: unknown) => caught)

    expect(isAppError(error, 'INVALID_INPUT')).toBe(true)
  },
)

test('full paths, paths below a source folder and paths of the commit are the same file; others do not count', async () => {
  const reports = await Promise.all([
    readCoverage(COBERTURA('model.py')),
    readCoverage('SF:src/model.py\nDA:2,1\nend_of_record\nSF:/usr/lib/os.py\nDA:1,0\nend_of_record\n'),
    readCoverage('SF:/place/run/src/model.py\nDA:10,0\nend_of_record\n'),
  ])

  const coverage = judgeHits(
    hitsOf(reports, { workspace: '/place/run', sources: new Set(['src/model.py']) }),
    undefined,
  )

  expect(coverage).toEqual({
    lines: 5,
    covered: 2,
    files: [{ path: 'src/model.py', lines: 5, covered: 2 }],
    uncovered: [],
  })
})

test('changed lines that no test ran are told in stretches, over lines without code', async () => {
  const report = await readCoverage(COBERTURA('model.py'))

  const hits = hitsOf([report], { workspace: '/place/run', sources: new Set(['src/model.py']) })
  const coverage = judgeHits(hits, new Map([['src/model.py', new Set([1, 2, 3, 4])]]))

  expect(coverage).toMatchObject({
    changed: { lines: 3, covered: 1 },
    uncovered: [{ file: 'src/model.py', from: 2, to: 4 }],
  })
})
