/** A step as `init` writes it: only what is said. */
export interface SketchedStep {
  readonly name: string
  readonly stage?: string
  readonly build?: string
  readonly run: string
  readonly deps?: readonly string[]
  readonly params?: readonly string[]
  readonly outs?: readonly string[]
  readonly metrics?: readonly string[]
  readonly junit?: string
  readonly cache?: false
  /** As it stands after `matrix:`. */
  readonly matrix?: string
  readonly env?: Readonly<Record<string, string>>
}

export function stepText(step: SketchedStep): string {
  const { name, junit, cache, matrix, env, ...plain } = step
  const lines = [`  ${name}:`]
  for (const [key, value] of Object.entries(plain)) {
    if (Array.isArray(value)) {
      if (value.length > 0) lines.push(`    ${key}: [${value.map((item) => scalarText(String(item))).join(', ')}]`)
    } else lines.push(`    ${key}: ${blockText(String(value))}`)
  }
  if (matrix !== undefined) lines.push(`    matrix: ${matrix}`)
  if (env !== undefined) {
    lines.push('    env:')
    for (const [variable, value] of Object.entries(env)) lines.push(`      ${variable}: ${JSON.stringify(value)}`)
  }
  if (junit !== undefined) lines.push(`    reports: { junit: ${scalarText(junit)} }`)
  if (cache === false) lines.push('    cache: false')
  return lines.join('\n')
}

/** Several lines stand as they are, below a `|`. */
function blockText(text: string): string {
  const lines = text.split('\n')
  const isPlain = lines.length > 1 && lines.every((line) => line === line.trim() && /^[\x20-\x7E]+$/.test(line))
  return isPlain ? ['|', ...lines.map((line) => `      ${line}`)].join('\n') : scalarText(text)
}

/** Plain where YAML reads it back as the same text, else in quotes. */
function scalarText(text: string): string {
  const plain =
    /^[A-Za-z][\w./ =-]*$/.test(text) && !/^(true|false|null|yes|no|on|off)$/i.test(text) && !text.endsWith(' ')
  return plain ? text : JSON.stringify(text)
}
