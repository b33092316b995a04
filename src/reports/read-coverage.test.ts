import { expect, test } from 'vitest'
import { readCoverage } from './read-coverage.ts'

test.each([
  ['<?xml version="1.0" ?>\n<coverage version="7.6" line-rate="0.875" branch-rate="0">', 0.875],
  ['TN:\nSF:a.js\nLF:4\nLH:3\nend_of_record\nSF:b.js\nLF:4\nLH:4\nend_of_record\n', 0.875],
  ['<testsuite/>', undefined],
  ['<coverage line-rate="7">', undefined],
  ['', undefined],
])('coverage of %j is %j', (text, share) => {
  expect(readCoverage(text)).toBe(share)
})
