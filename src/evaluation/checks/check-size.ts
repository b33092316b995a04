import type { CheckSpec } from '../../pipeline/checks.ts'
import type { GateVerdict } from '../decide-gate.ts'
import { bundleFiles } from './bundle-files.ts'
import type { CheckPlace } from './check-place.ts'

/** Of all files that are served: the model, and the code of `include`. */
export async function checkSize(
  { maxBytes }: Extract<CheckSpec, { kind: 'size' }>,
  place: CheckPlace,
): Promise<GateVerdict> {
  const files = await bundleFiles(place)
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  const largest = files.toSorted((a, b) => b.size - a.size).slice(0, 5)
  return {
    outcome: bytes <= maxBytes ? 'pass' : 'fail',
    summary: `model-size ${showBytes(bytes)} in ${files.length} ${files.length === 1 ? 'file' : 'files'}, at most ${showBytes(maxBytes)} wanted`,
    evidence: { bytes, maxBytes, files: files.length, largest: largest.map(({ path, size }) => ({ path, size })) },
  }
}

function showBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  const value = bytes / 2 ** (10 * power)
  return `${Number(value.toFixed(value < 10 && power > 0 ? 1 : 0))} ${units[power] ?? ''}`
}
