import type { PlaceInText } from './yaml-source.ts'

/**
 * Where in a YAML text one character of a scalar stands; `start` is where the scalar begins. Undefined where the file has it
 * in another form: blank lines between folded ones, and rare escapes.
 */
export function offsetInside(yaml: string, start: number, place: PlaceInText): number | undefined {
  const sign = yaml[start]
  if (sign === '|') return offsetInBlock(yaml, start, place)
  if (sign === '>') return offsetInLines(yaml, firstOfBlock(yaml, start), '', place)
  if (sign === "'" || sign === '"') return offsetInLines(yaml, start + 1, sign, place)
  return offsetInLines(yaml, start, '', place)
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

function firstOfBlock(yaml: string, start: number): number {
  const header = yaml.indexOf('\n', start)
  return header === -1 ? yaml.length : header + (/^\s*/.exec(yaml.slice(header))?.[0].length ?? 0)
}

/** Where a line ends within such a scalar, its text has a blank. */
function offsetInLines(yaml: string, first: number, quote: string, { text, at }: PlaceInText): number | undefined {
  let offset = first
  for (const character of text.slice(0, at)) {
    const width = widthOf(character, yaml, offset, quote)
    if (width === 0) return undefined
    offset += width
  }
  const isThere = at === text.length || widthOf(text[at] ?? '', yaml, offset, quote) > 0
  return isThere ? offset : undefined
}

const FOLD = /[ \t]*\r?\n[ \t]*(?=\S)/y

/** How many characters the file has for one of the text; 0: it is not there. */
function widthOf(character: string, yaml: string, offset: number, quote: string): number {
  FOLD.lastIndex = offset
  if (character === ' ' && FOLD.test(yaml)) return FOLD.lastIndex - offset
  const written = yaml[offset] ?? ''
  if (quote === "'" && written === quote) return character === quote && yaml[offset + 1] === quote ? 2 : 0
  if (quote === '"' && written === '\\') return ESCAPED[yaml[offset + 1] ?? ''] === character ? 2 : 0
  return yaml.startsWith(character, offset) && character !== '\n' ? character.length : 0
}

const ESCAPED: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', n: '\n', t: '\t' }
