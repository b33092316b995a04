import type { TaskOutput } from '../core/task.ts'
import type { AttemptEnd } from './attempt-end.ts'

type Mask = (text: string) => string

/**
 * What the record says in words, without secrets: a message may quote a tool that was given one. What programs read (digests,
 * paths, names, `provides`) stays as it is, though a secret of four letters should happen to be part of it.
 */
export function maskEnd(end: AttemptEnd, mask: Mask): AttemptEnd {
  const { message, taskOutput } = end
  return {
    ...end,
    ...(message === undefined ? {} : { message: mask(message) }),
    ...(taskOutput === undefined ? {} : { taskOutput: maskTaskOutput(taskOutput, mask) }),
  }
}

function maskTaskOutput(output: TaskOutput, mask: Mask): TaskOutput {
  const { failure, result } = output
  return {
    ...output,
    ...(failure === undefined ? {} : { failure: { ...failure, message: mask(failure.message) } }),
    ...(result === undefined ? {} : { result: maskSentences(result, mask) }),
  }
}

/** A result has the shape that its task gives it. Text of several words is for people; nothing is looked up by it. */
function maskSentences(value: unknown, mask: Mask): unknown {
  if (typeof value === 'string') return /\s/.test(value) ? mask(value) : value
  if (Array.isArray(value)) return value.map((each) => maskSentences(each, mask))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, maskSentences(each, mask)]))
}
