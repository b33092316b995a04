import type { KnownTest } from '../../../src/api/tests.ts'
import type { Tone } from './tones.ts'

/** How a result of a test is coloured. One that failed in quarantine fails nobody, and is not red. */
export function toneOfTest(state: KnownTest['state'], isQuarantined = false): Tone {
  if (state === 'passed') return 'succeeded'
  if (state === 'skipped') return 'quiet'
  return isQuarantined ? 'person' : 'failed'
}
