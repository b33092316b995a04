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
}

export function stepText(step: SketchedStep): string {
  const { name, junit, cache, ...plain } = step
  const lines = [`  ${name}:`]
  for (const [key, value] of Object.entries(plain)) {
    if (Array.isArray(value)) {
      if (value.length > 0) lines.push(`    ${key}: [${value.map((item) => scalarText(String(item))).join(', ')}]`)
    } else lines.push(`    ${key}: ${scalarText(String(value))}`)
  }
  if (junit !== undefined) lines.push(`    reports: { junit: ${scalarText(junit)} }`)
  if (cache === false) lines.push('    cache: false')
  return lines.join('\n')
}

/** Plain where YAML reads it back as the same text, else in quotes. */
function scalarText(text: string): string {
  const plain =
    /^[A-Za-z][\w./ =-]*$/.test(text) && !/^(true|false|null|yes|no|on|off)$/i.test(text) && !text.endsWith(' ')
  return plain ? text : JSON.stringify(text)
}
