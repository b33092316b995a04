import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findMetric } from '../../src/evaluation/metrics.ts'
import { METRIC_TABLE } from '../../src/pipeline/keys/metrics.ts'
import { printPipelineDocs } from '../../tools/docs/print-pipeline.ts'

test.each(Object.entries(printPipelineDocs()))('%s is what the code says', (path, text) => {
  expect(readFileSync(join(import.meta.dirname, '../..', path), 'utf8')).toBe(text)
})

test.each(METRIC_TABLE.map((info) => [info.name, info] as const))('%s of the language is computed', (_, info) => {
  expect(findMetric(info.task, info.name)).toMatchObject({ name: info.name, better: info.better })
})
