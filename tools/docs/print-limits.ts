import { LIMITS } from '../../src/core/limits.ts'
import { markdownTable, page, PRINTED } from './markdown.ts'
import type { Pages } from './write-pages.ts'

const INTRODUCTION = `Everything is bounded. These are the bounds that are not written in a pipeline file; where a file may say otherwise,
the meaning says so.`

export function printLimits(): Pages {
  const rows = Object.entries(LIMITS).map(([name, { value, meaning }]) => [`\`${name}\``, amount(name, value), meaning])
  return {
    'docs/reference/limits.md': page(
      '# Limits',
      PRINTED,
      INTRODUCTION,
      markdownTable(['limit', 'value', 'meaning'], rows),
    ),
  }
}

function amount(name: string, value: number): string {
  if (name.endsWith('Ms')) return inUnits(value, TIMES)
  if (name.endsWith('Bytes')) return inUnits(value, SIZES)
  return value.toLocaleString('en')
}

const TIMES = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
  [1, 'ms'],
] as const

const SIZES = [
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [2 ** 10, 'KiB'],
  [1, 'B'],
] as const

/** In the largest unit that leaves a whole number; a single day is 24 h. */
function inUnits(value: number, units: readonly (readonly [number, string])[]): string {
  const found = units.find(([size, unit]) => value % size === 0 && (unit !== 'd' || value > size))
  const [size, unit] = found ?? [1, '']
  return `${value / size} ${unit}`
}
