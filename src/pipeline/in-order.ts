import type { Problem } from '../core/problem.ts'
import { counted } from '../lib/counted.ts'

/** In the order of the text; each sentence once per place. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  const unique = problems.filter((problem) => {
    const key = JSON.stringify([problem.line, problem.column, problem.path, problem.message])
    return !seen.has(key) && seen.add(key)
  })
  unique.sort((a, b) => a.line - b.line || a.column - b.column)
  const last = unique[MOST_PROBLEMS - 1]
  if (last === undefined || unique.length === MOST_PROBLEMS) return unique
  const cut = unique.slice(MOST_PROBLEMS)
  const severity = cut.some((problem) => problem.severity === 'error') ? 'error' : 'warning'
  const message = `and ${counted(cut.length, 'more problem')} after this`
  return [...unique.slice(0, MOST_PROBLEMS), { ...last, path: '', message, severity }]
}

/** Whether `inOrder` left some out. */
export function isCut(problems: readonly Problem[]): boolean {
  return problems.length > MOST_PROBLEMS
}

/** Enough to mend in one go; they also go through the terminal of whoever pushed. */
const MOST_PROBLEMS = 200
