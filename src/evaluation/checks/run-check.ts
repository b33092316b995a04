import { isAppError } from '../../core/errors.ts'
import { assertNever } from '../../lib/assert-never.ts'
import type { CheckSpec } from '../../pipeline/checks.ts'
import type { GateVerdict } from '../decide-gate.ts'
import { checkBehaviour } from './check-behaviour.ts'
import { checkData } from './check-data.ts'
import { checkLeakage } from './check-leakage.ts'
import { checkPickles } from './check-pickles.ts'
import type { CheckPlace } from './check-place.ts'
import { checkSize } from './check-size.ts'
import { decideFairness } from './decide-fairness.ts'

/** A check that cannot be made is inconclusive and says why: it is no pass, and a person decides. */
export async function runCheck(check: CheckSpec, place: CheckPlace): Promise<GateVerdict> {
  try {
    return await run(check, place)
  } catch (error) {
    if (!isAppError(error) || place.context.signal.aborted) throw error
    return { outcome: 'inconclusive', summary: `it could not be checked: ${error.message}`, evidence: {} }
  }
}

async function run(check: CheckSpec, place: CheckPlace): Promise<GateVerdict> {
  switch (check.kind) {
    case 'size':
      return checkSize(check, place)
    case 'unsafe-pickle':
      return checkPickles(check, place)
    case 'fairness':
      return decideFairness(check, place)
    case 'behaviour':
      return checkBehaviour(check, place)
    case 'data':
      return checkData(check, place)
    case 'leakage':
      return checkLeakage(check, place)
    default:
      return assertNever(check)
  }
}
