import { describe, expect, test } from 'vitest'
import type { TestResult } from '../../src/reports/parse-junit.ts'
import { countTests, failedTests, recordTestResults } from '../../src/reports/test-results.sql.ts'
import { metricsOf, recordMetrics } from '../../src/tracking/metrics.sql.ts'
import { DATABASES, openTestDatabase } from '../harness/databases.ts'

const result = (name: string, state: TestResult['state']): TestResult => ({
  suite: 's',
  name,
  state,
  seconds: 0.5,
  message: state === 'failed' ? 'assert 1 == 2' : '',
  detail: 'a.py:1',
})

describe.each(DATABASES)('on %s', (kind) => {
  test('test results are kept per step, and a later attempt replaces them', async () => {
    await using place = await openTestDatabase(kind)
    const { database } = place

    await database.write(async (writer) => {
      await recordTestResults(writer, 'p#1', 'unit', [result('a', 'failed'), result('b', 'failed')])
      await recordTestResults(writer, 'p#1', 'unit', [
        result('a', 'passed'),
        result('b', 'failed'),
        result('c', 'skipped'),
      ])
      await recordTestResults(writer, 'p#1', 'contract', [result('d', 'error')])
      await recordTestResults(
        writer,
        'p#2',
        'unit',
        Array.from({ length: 1_200 }, (_, i) => result(`t${i}`, 'passed')),
      )
    })

    expect(await countTests(database.read, 'p#1')).toEqual({ passed: 1, failed: 2, skipped: 1 })
    expect(await countTests(database.read, 'p#2')).toEqual({ passed: 1_200, failed: 0, skipped: 0 })
    expect(await failedTests(database.read, 'p#1')).toEqual([
      { step: 'contract', ...result('d', 'error') },
      { step: 'unit', ...result('b', 'failed') },
    ])
  })

  test('metrics are kept per step, and a later attempt replaces them', async () => {
    await using place = await openTestDatabase(kind)
    const { database } = place

    await database.write(async (writer) => {
      await recordMetrics(writer, 'p#1', 'train', { loss: 0.5, old: 1 })
      await recordMetrics(writer, 'p#1', 'train', { loss: 0.25 })
      await recordMetrics(writer, 'p#1', 'evaluation', { accuracy: 0.9 })
    })

    expect(await metricsOf(database.read, 'p#1')).toEqual([
      { step: 'evaluation', name: 'accuracy', value: 0.9 },
      { step: 'train', name: 'loss', value: 0.25 },
    ])
  })
})
