/** `3.11`, `3.11.7`, or what a project allows: `>=3.10,<3.13`, `~=3.11`, `==3.11.*`. */
export function fitsPython(version: string, wanted: string | undefined): boolean {
  if (wanted === undefined) return version.startsWith('3.')
  if (/^3[.\d]*$/.test(wanted)) return version === wanted || version.startsWith(`${wanted}.`)
  return wanted.split(',').every((clause) => meets(numbers(version), clause.trim()))
}

/** Whether it is a version or a specifier we understand. */
export function isPythonWish(wanted: string): boolean {
  return /^3\.\d+(\.\d+)?$/.test(wanted) || wanted.split(',').every((clause) => CLAUSE.test(clause.trim()))
}

const CLAUSE = /^(>=|<=|==|!=|~=|>|<|\^)\s*(\d+(?:\.\d+)*)(\.\*)?$/

function meets(version: readonly number[], clause: string): boolean {
  const [, operator, text = '', star] = CLAUSE.exec(clause) ?? []
  const bound = numbers(text)
  const order = compare(version, bound)
  const begins = bound.every((part, index) => version[index] === part)
  switch (operator) {
    case '>=':
      return order >= 0
    case '<=':
      return order <= 0 || begins
    case '>':
      return order > 0
    case '<':
      return order < 0
    case '==':
      return star === undefined ? order === 0 : begins
    case '!=':
      return star === undefined ? order !== 0 : !begins
    case '~=':
      return order >= 0 && bound.slice(0, -1).every((part, index) => version[index] === part)
    case '^':
      return order >= 0 && version[0] === bound[0]
    default:
      return false
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function numbers(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10))
}
