import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { metricsOf } from '../../src/evaluation/metrics.ts'
import { METRICS } from '../../src/pipeline/keys/metrics.ts'
import { printPipelineDocs } from '../../tools/docs/print-pipeline.ts'

test.each(Object.entries(printPipelineDocs()))('%s is what the code says', (path, text) => {
  expect(readFileSync(join(import.meta.dirname, '../..', path), 'utf8')).toBe(text)
})

test.each(['classification', 'regression'] as const)('the language has the metrics of %s that are computed', (task) => {
  const computed = metricsOf(task, true).map(({ name }) => name)

  expect([...METRICS[task]].sort()).toEqual(computed.sort())
})
