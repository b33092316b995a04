import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatProblem } from '../../src/core/problem.ts'
import { lintPipeline, type LintContext } from '../../src/pipeline/lint.ts'

export const CASES = join(import.meta.dirname, 'cases')

export function caseNames(): string[] {
  return readdirSync(CASES)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.replace('.yaml', ''))
}

export function caseText(name: string): string {
  return readFileSync(join(CASES, `${name}.yaml`), 'utf8')
}

/** All problems of a case, one a line; comments `# files: …` in it say what the commit holds. */
export function lintCase(name: string): string {
  const text = caseText(name)
  const problems = lintPipeline(text, contextOf(text))
  return problems.map((problem) => `${formatProblem(problem)}\n`).join('')
}

function contextOf(text: string): LintContext {
  const list = (word: string) => new RegExp(`^# ${word}: (.*)$`, 'm').exec(text)?.[1]?.split(', ')
  const files = list('files')
  const persons = list('persons')
  return {
    ...(files === undefined ? {} : { files }),
    ...(persons === undefined ? {} : { people: { persons, groups: list('groups') ?? [] } }),
  }
}
