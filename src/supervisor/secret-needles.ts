/** Shorter ones would blank out innocent text: the `e` in every word, where a secret is `e`. */
const SHORTEST_VALUE = 4
const SHORTEST_PART = 6

/**
 * Every text by which a secret could show in a log: itself, its longer lines, its members where it is JSON,
 * and each of these in base64 (at any of the three offsets in a longer text), in a URL, and escaped in JSON
 * or by a shell.
 */
export function secretNeedles(values: Iterable<string>): Buffer[] {
  const texts = new Set<string>()
  for (const value of values) {
    for (const plain of plainForms(value)) {
      texts.add(plain)
      for (const form of encodedForms(plain)) if (form.length >= SHORTEST_PART) texts.add(form)
    }
  }
  return [...texts].map((text) => Buffer.from(text))
}

function plainForms(value: string): string[] {
  const whole = [value, value.trim()].filter((text) => text.length >= SHORTEST_VALUE)
  const parts = [...value.split(/\r?\n/), ...value.split(/\r?\n/).map((line) => line.trim()), ...jsonLeaves(value)]
  return [...whole, ...parts.filter((part) => part.length >= SHORTEST_PART)]
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
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(leaves)
}

function encodedForms(plain: string): string[] {
  const json = JSON.stringify(plain).slice(1, -1)
  const shell = plain.replaceAll("'", `'\\''`)
  const url = encodeURIComponent(plain)
  const form = new URLSearchParams([['', plain]]).toString().slice(1)
  return [json, shell, url, form, ...base64Forms(Buffer.from(plain))]
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
