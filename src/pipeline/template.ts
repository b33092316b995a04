import { evaluate, parseExpression, valueText, type Expression, type ExpressionContext } from './expression.ts'

/** A text cut at its `${{ }}`: literal text and expressions in turn. */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  /** `at`: of the `${{` in the text; `from`: of what stands behind it, where the places of the tree count from. */
  | {
      readonly kind: 'expression'
      readonly at: number
      readonly from: number
      readonly text: string
      readonly tree: Expression
    }
  | { readonly kind: 'wrong'; readonly at: number; readonly message: string }

export function parseTemplate(text: string): TemplatePart[] {
  const pieces: TemplatePart[] = []
  let done = 0
  for (let start = text.indexOf('${{'); start >= 0; start = text.indexOf('${{', done)) {
    if (start > done) pieces.push({ kind: 'text', text: text.slice(done, start) })
    const from = start + 3
    const end = closingBraces(text, from)
    if (end === undefined) return [...pieces, { kind: 'wrong', at: start, message: 'this ${{ has no closing }}' }]
    const inner = text.slice(from, end)
    const parsed = parseExpression(inner)
    if (parsed.ok) pieces.push({ kind: 'expression', at: start, from, text: inner.trim(), tree: parsed.tree })
    else pieces.push({ kind: 'wrong', at: from + parsed.at, message: `in \${{${inner}}}: ${parsed.message}` })
    done = end + 2
  }
  if (done < text.length) pieces.push({ kind: 'text', text: text.slice(done) })
  return pieces
}

/** Text in quotes may hold `}}`. */
function closingBraces(text: string, from: number): number | undefined {
  let quote: string | undefined
  for (let index = from; index < text.length; index++) {
    const character = text[index]
    if (quote === undefined && text.startsWith('}}', index)) return index
    if (character === quote) quote = undefined
    else if (quote === undefined && (character === "'" || character === '"')) quote = character
  }
  return undefined
}

/** The text with its expressions replaced by their values: for paths and variables, never for shell text. */
export function fillTemplate(text: string, context: ExpressionContext): string {
  if (!text.includes('${{')) return text
  let filled = ''
  for (const part of parseTemplate(text)) {
    if (part.kind === 'text') filled += part.text
    else if (part.kind === 'expression') filled += valueText(evaluate(part.tree, context))
  }
  return filled
}
