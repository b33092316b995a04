import { AppError } from '../../core/errors.ts'
import type { Problem } from '../../core/problem.ts'
import { formatProblem } from '../../core/problem.ts'
import { z } from 'zod'

/** One line of the file that `acceptance.cases` names. */
export const AcceptanceCase = z.strictObject({
  id: z.string().min(1).max(200),
  inputs: z
    .array(
      z.object({
        name: z.string(),
        shape: z.array(z.number().int().nonnegative()),
        datatype: z.string(),
        data: z.array(z.unknown()),
      }),
    )
    .min(1),
  question: z.string().max(2_000).optional(),
  expected: z.union([z.string(), z.number()]).optional(),
  critical: z.boolean().default(false),
  show: z
    .object({ image: z.object({ input: z.string(), shape: z.array(z.number().int().positive()).min(2).max(3) }) })
    .partial()
    .optional(),
})
export type AcceptanceCase = z.infer<typeof AcceptanceCase>

/** JSON lines; all problems at once, each with its line. */
export function parseAcceptanceCases(text: string, file: string): AcceptanceCase[] {
  const problems: Problem[] = []
  const cases: AcceptanceCase[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const at = (message: string, path = '') =>
      problems.push({ file, line: index + 1, column: 1, path, message, severity: 'error' })
    const parsed = AcceptanceCase.safeParse(parseLine(line, at))
    if (!parsed.success) {
      for (const issue of parsed.error.issues) at(issue.message, issue.path.join('.'))
    } else if (cases.some(({ id }) => id === parsed.data.id)) {
      at(`a second case has the id ${parsed.data.id}; ids must be unique`)
    } else {
      cases.push(parsed.data)
    }
  }
  if (problems.length > 0) throw new AppError('INVALID_INPUT', problems.map(formatProblem).join('\n'), { problems })
  return cases
}

function parseLine(line: string, at: (message: string) => void): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    at(`not JSON: ${(error as Error).message}`)
    return undefined
  }
}
