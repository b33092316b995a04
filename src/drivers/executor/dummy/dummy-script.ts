import { AppError } from '../../../core/errors.ts'

/** What a dummy attempt does, from its `run` text: one directive a line, in order. */
export type Directive =
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'sleep'; readonly ms: number }
  | { readonly kind: 'out'; readonly path: string; readonly content: string }
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'lost' }
  | { readonly kind: 'out-of-memory' }
  | { readonly kind: 'first'; readonly times: number; readonly directive: Directive }

/**
 * `print hello`, `sleep 50`, `out model.onnx some content`, `exit 3`, `lost`, `out-of-memory`, and
 * `first 2 exit 1`: only in the first two attempts of a step.
 */
export function parseDummyScript(run: string): Directive[] {
  return run
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseDirective)
}

function parseDirective(line: string): Directive {
  const [word = '', first = '', ...rest] = line.split(' ')
  switch (word) {
    case 'print':
      return { kind: 'print', text: line.slice('print '.length) }
    case 'sleep':
      return { kind: 'sleep', ms: wholeNumber(first, line) }
    case 'out':
      return { kind: 'out', path: first, content: rest.join(' ') }
    case 'exit':
      return { kind: 'exit', code: wholeNumber(first, line) }
    case 'lost':
    case 'out-of-memory':
      return { kind: word }
    case 'first':
      return { kind: 'first', times: wholeNumber(first, line), directive: parseDirective(rest.join(' ')) }
    default:
      throw new AppError('INVALID_INPUT', `The dummy executor does not know "${line}".`)
  }
}

function wholeNumber(text: string, line: string): number {
  if (!/^\d+$/.test(text)) throw new AppError('INVALID_INPUT', `"${line}" needs a whole number.`)
  return Number(text)
}
