import type { PlaceInText } from './yaml-source.ts'

/**
 * Where in a YAML text one character of a scalar stands; `start` is where the scalar begins. Undefined where its text is
 * not simply there: with escapes, or folded lines.
 */
export function offsetInside(yaml: string, start: number, { text, at }: PlaceInText): number | undefined {
  if (yaml[start] === '|') return offsetInBlock(yaml, start, { text, at })
  const first = /["']/.test(yaml[start] ?? '') ? start + 1 : start
  return yaml.startsWith(text.slice(0, at + 1), first) && !text.slice(0, at).includes('\n') ? first + at : undefined
}

/** Each line of a literal block is a line of its text behind the indentation. */
function offsetInBlock(yaml: string, start: number, { text, at }: PlaceInText): number | undefined {
  const header = yaml.indexOf('\n', start)
  const lines = text.slice(0, at).split('\n')
  let lineStart = header + 1
  for (let line = 1; line < lines.length; line++) lineStart = yaml.indexOf('\n', lineStart) + 1
  const line = text.split('\n', lines.length).at(-1) ?? ''
  const end = yaml.indexOf('\n', lineStart)
  const written = yaml.slice(lineStart, end === -1 ? undefined : end).replace(/\r$/, '')
  const isThere =
    header !== -1 && lineStart > header && written.endsWith(line) && /^ *$/.test(written.slice(0, -line.length))
  return isThere ? lineStart + written.length - line.length + (lines.at(-1)?.length ?? 0) : undefined
}
