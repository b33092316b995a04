import { expect, test } from 'vitest'
import { showRun } from './show-run.ts'

const MIB = 1 << 20

function shownOf(isTTY: boolean): string {
  let shown = ''
  const run = showRun({ isTTY, write: (text) => (shown += text) })
  for (const received of [0, 40, 100]) run.fetching('data/raw.csv', received * MIB, 100 * MIB)
  return shown
}

test('on a terminal a download is one live line that ends as a line that stays', () => {
  const shown = shownOf(true)

  expect(shown).toContain('\r\u001B[K  … data/raw.csv: 0 B of 100.0 MiB')
  expect(shown.endsWith('\r\u001B[K  data/raw.csv: 100.0 MiB received\n')).toBe(true)
  expect(shown.match(/\n/g)).toHaveLength(1)
})

test('through a pipe a download is plain lines', () => {
  expect(shownOf(false)).toBe(
    '  data/raw.csv: 0 B of 100.0 MiB\n  data/raw.csv: 40.0 MiB of 100.0 MiB\n  data/raw.csv: 100.0 MiB received\n',
  )
})
