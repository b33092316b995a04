import { createHash } from 'node:crypto'
import type { SessionRow } from './acceptance.sql.ts'

/** True when side `a` is the candidate for this tester and case: fixed by a hash, even over many cases. */
export function candidateIsA(session: SessionRow, caseId: string, person: string): boolean {
  if (session.blind === 0 || session.champion === null) return true
  return (createHash('sha256').update(`${session.id}\n${caseId}\n${person}`).digest()[0] ?? 0) % 2 === 0
}

export type Verdict = 'better' | 'same' | 'worse' | 'right' | 'wrong' | 'blocked'

/** What a tester said, in the words they said it in: theirs to see while the sides are hidden. */
export function saidBy(session: SessionRow, caseId: string, person: string, verdict: string): string {
  if (session.champion === null || (verdict !== 'better' && verdict !== 'worse')) return verdict
  return (verdict === 'better') === candidateIsA(session, caseId, person) ? 'better-a' : 'better-b'
}

/** What `better-a` means once it is known which side `a` was. */
export function unblind(session: SessionRow, caseId: string, person: string, said: string): Verdict {
  if (said === 'better-a') return candidateIsA(session, caseId, person) ? 'better' : 'worse'
  if (said === 'better-b') return candidateIsA(session, caseId, person) ? 'worse' : 'better'
  return said as Verdict
}
