/**
 * Something wrong in a file a person wrote. Printed as `file:line:column: path: message`. The message
 * says what is wrong and what to write instead. Lines and columns count from 1.
 */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** Where in the document, as `steps.train.outs[0]`; empty for the document itself. */
  readonly path: string
  readonly message: string
  readonly severity: 'error' | 'warning'
}

export function formatProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`
  const path = problem.path === '' ? '' : `${problem.path}: `
  return `${where}: ${problem.severity === 'warning' ? 'warning: ' : ''}${path}${problem.message}`
}
