import { evaluate, valueText, type ExpressionContext } from './expression.ts'
import { parseTemplate } from './template.ts'
import { ShellScanner } from './shell-scanner.ts'

export interface SafeCommand {
  readonly run: string
  readonly env: Readonly<Record<string, string>>
}

/**
 * Turns the expressions of a `run` into shell variables, so that no value is ever read as shell text: a
 * branch called `$(touch x)` is a name. Each stays one word:
 *
 * - outside quotes `${{ branch }}` becomes `"$TIDEGATE_EXPR_1"`,
 * - inside double quotes, and in here-documents, `${TIDEGATE_EXPR_1}`,
 * - inside single quotes `'"$TIDEGATE_EXPR_1"'` (the quotes are closed, and opened again).
 *
 * Nothing is replaced inside `$(( ))`, in a here-document whose word is quoted, and after a backslash:
 * `shellProblems` refuses those. What a command then does with its arguments is its own matter: a value
 * inside the text of `sh -c "…"` or `eval` is read by a second shell.
 */
export function shellSafe(run: string, context: ExpressionContext): SafeCommand {
  const env: Record<string, string> = {}
  const names = new Map<string, string>()
  const scanner = new ShellScanner()
  let safe = ''
  for (const part of parseTemplate(run)) {
    if (part.kind === 'text') {
      scanner.read(part.text)
      safe += part.text
    } else if (part.kind === 'expression') {
      const name = names.get(part.text) ?? `TIDEGATE_EXPR_${names.size + 1}`
      names.set(part.text, name)
      // A NUL cannot stand in an environment; no git name holds one, a params file may.
      env[name] = valueText(evaluate(part.tree, context)).replaceAll('\0', '')
      safe += variable(name, scanner)
      scanner.readWord()
    }
  }
  return { run: safe, env }
}

/** Why expressions of this `run` cannot be replaced where they stand. */
export function shellProblems(run: string): { readonly at: number; readonly message: string }[] {
  const scanner = new ShellScanner()
  const problems: { at: number; message: string }[] = []
  for (const part of parseTemplate(run)) {
    if (part.kind === 'text') scanner.read(part.text)
    if (part.kind !== 'expression') continue
    const reason = REFUSED[scanner.context]
    const message = `\${{ ${part.text} }} ${reason}: give it to a variable of \`env\` first`
    if (reason !== undefined) problems.push({ at: part.at, message })
    scanner.readWord()
  }
  return problems
}

const REFUSED: Readonly<Partial<Record<ShellScanner['context'], string>>> = {
  arithmetic: 'stands inside $(( ))',
  'quoted-heredoc': 'stands in a here-document whose word is quoted, where the shell replaces nothing',
  escaped: 'follows a backslash',
}

function variable(name: string, scanner: ShellScanner): string {
  if (scanner.context === 'bare') return `"$${name}"`
  if (scanner.context === 'single') return `'"$${name}"'`
  return `\${${name}}`
}
