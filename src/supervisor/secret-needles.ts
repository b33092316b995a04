/** Shorter ones would blank out innocent text: the `e` in every word, where a secret is `e`. */
const SHORTEST_VALUE = 4
const SHORTEST_PART = 6

export interface Needles {
  readonly plain: readonly Buffer[]
  /** Of `plain` those of which any byte may be escaped as in a URL. */
  readonly escaped: readonly Buffer[]
  /** In base64, which programs break into lines: looked for as if those breaks were not there. */
  readonly wrapped: readonly Buffer[]
}

/**
 * Every text by which a secret could show in a log: itself, its longer lines, its members where it is JSON,
 * and each of these in base64 (at any of the three offsets in a longer text), in a URL, and escaped in JSON,
 * by Python or by a shell.
 */
export function secretNeedles(values: Iterable<string>): Needles {
  const plain = new Set<string>()
  const escaped = new Set<string>()
  const wrapped = new Set<string>()
  for (const value of values) {
    for (const text of plainForms(value)) {
      plain.add(text)
      escaped.add(text)
      for (const form of escapedForms(text)) if (form.length >= SHORTEST_PART) plain.add(form)
      for (const form of base64Forms(Buffer.from(text))) if (form.length >= SHORTEST_PART) wrapped.add(form)
    }
  }
  return { plain: asBuffers(plain), escaped: asBuffers(escaped), wrapped: asBuffers(wrapped) }
}

function asBuffers(texts: Iterable<string>): Buffer[] {
  return [...texts].map((text) => Buffer.from(text))
}

function plainForms(value: string): string[] {
  const whole = [value, value.trim()].filter((text) => text.length >= SHORTEST_VALUE)
  const lines = value.split(/\r?\n/)
  const parts = [...lines, ...lines.map((line) => line.trim()), ...jsonLeaves(value)]
  const long = [...whole, ...parts.filter((part) => part.length >= SHORTEST_PART)]
  // A line of blanks would hide the indentation of every other.
  return long.filter((text) => text.trim() !== '')
}

function jsonLeaves(value: string): string[] {
  if (!/^\s*[[{]/.test(value)) return []
  try {
    return leaves(JSON.parse(value))
  } catch {
    // Only looks like JSON: then it has no members to hide.
    return []
  }
}

function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  // A number of a few digits is in every log.
  if (typeof value === 'number') return [String(value)]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(leaves)
}

function escapedForms(plain: string): string[] {
  const json = JSON.stringify(plain).slice(1, -1)
  return [...jsonForms(json), ...shellForms(plain), ...pythonForms(plain)]
}

/** As JavaScript writes it, as Python does (ASCII only), as PHP does (with `\/`). */
function jsonForms(json: string): string[] {
  const ascii = asciiEscapes(json)
  return [json, ascii, json.replaceAll('/', String.raw`\/`), ascii.replaceAll('/', String.raw`\/`)]
}

function asciiEscapes(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** `repr`, in either quotes. */
function pythonForms(plain: string): string[] {
  const escaped = plain
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('\t', String.raw`\t`)
  return [escaped, escaped.replaceAll("'", String.raw`\'`)]
}

/** In single quotes by hand and by Python's `shlex`, in double quotes, and as `printf %q` has it. */
function shellForms(plain: string): string[] {
  return [
    plain.replaceAll("'", `'\\''`),
    plain.replaceAll("'", `'"'"'`),
    plain.replace(/["$\\`]/g, String.raw`\$&`),
    plain.replace(/["$\\`!]/g, String.raw`\$&`),
    plain.replace(/[^\w@%+=:,./\u0080-\uffff-]/g, String.raw`\$&`),
    plain
      .replace(/['\\]/g, String.raw`\$&`)
      .replaceAll('\n', String.raw`\n`)
      .replaceAll('\t', String.raw`\t`),
  ]
}

/** At each of three offsets the characters that depend on the secret alone; those at its borders mix with others. */
function base64Forms(bytes: Buffer): string[] {
  const forms: string[] = []
  for (const offset of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const start = Math.ceil((offset * 8) / 6)
    const end = Math.floor(((offset + bytes.length) * 8) / 6)
    const core = padded.slice(start, end)
    forms.push(core, core.replaceAll('+', '-').replaceAll('/', '_'))
  }
  return forms
}
