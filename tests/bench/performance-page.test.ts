import { expect, test } from 'vitest'
import { answer } from '../../bench/bench-row.ts'
import { performancePage } from '../../bench/performance-page.ts'

const MACHINE = {
  at: '2026-01-02T03:04:05.678Z',
  cpu: 'a processor',
  cores: 2,
  memoryGiB: 8,
  node: 'v26.0.0',
  kernel: '6.0',
  loadAverage: [0.5, 4, 3],
}

test('a page has ratios, says which budget is not met and that others were at work, and keeps what was measured', () => {
  const question = { what: 'a thing', unit: 'ms', statistic: 'median', peerIs: 'a floor' } as const
  const samples = { ours: [40, 20, 30], peer: [10, 11, 9] }
  const row = answer({ ...question, budget: { says: '< 25 ms', isMet: (ms) => ms < 25 } }, samples)

  const page = performancePage({
    machine: MACHINE,
    sections: [{ name: 'push', title: 'A section', rows: [row], loadAverage: 5.5 }],
    tookSeconds: 7,
  })

  expect(page).toContain('| a thing, median | **3** | 30 ms | 10 ms | a floor | < 25 ms | **not met** |')
  expect(page).toContain('Others were at work')
  const [machine, ...runs] = (/```jsonl\n([^]+)\n```/.exec(page)?.[1] ?? '').split('\n').map((line) => JSON.parse(line))
  expect(machine).toEqual({ ...MACHINE, tookSeconds: 7 })
  expect(runs).toEqual([expect.objectContaining(samples)])
})
