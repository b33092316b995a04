/** Shorter ones would blank out innocent text: the `e` in every word, where a secret is `e`. */
const SHORTEST_VALUE = 4
const SHORTEST_PART = 6
/** Of what may be a secret, and may be a port, a user's name or a word. */
const SHORTEST_ALONE = 8
/** Programs break words over lines where these are longer than a line, or nearly. */
const SHORTEST_BROKEN = 12

export interface Needles {
  readonly plain: readonly Buffer[]
  /** Of `plain` those of which any byte may be escaped as in a URL. */
  readonly escaped: readonly Buffer[]
  /** In base64, and long words: programs break them into lines, and they are looked for as if those breaks were not there. */
  readonly wrapped: readonly Buffer[]
}

/**
 * Every text by which a secret could show in a log: itself, its longer lines, its members where it is JSON, what
 * follows the name in `NAME:SECRET`, the password of a URL, and each of these in base64 (at any of the three offsets
 * in a longer text), in a URL, and escaped in JSON, in HTML or XML, by Python or by a shell.
 */
export function secretNeedles(values: Iterable<string>): Needles {
  const plain = new Set<string>()
  const escaped = new Set<string>()
  const wrapped = new Set<string>()
  for (const value of values) {
    for (const text of plainForms(value)) {
      plain.add(text)
      escaped.add(text)
      if (text.length >= SHORTEST_BROKEN && !/\s/.test(text)) wrapped.add(text)
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
  const texts = [value.trim(), ...jsonLeaves(value)]
  const inner = texts.flatMap((text) => [text, ...urlPasswords(text), ...afterName(text)])
  const parts = [...lines, ...lines.map((line) => line.trim()), ...inner]
  const long = [...whole, ...parts.filter((part) => part.length >= SHORTEST_PART)]
  // A line of blanks would hide the indentation of every other.
  return long.filter((text) => text.trim() !== '')
}

/** Of `https://user:password@host`, wherever it stands, the password; of `https://token@host` the token. */
function urlPasswords(text: string): string[] {
  return [...text.matchAll(/:\/\/([^\s/?#:@]*)(?::([^\s/?#]*))?@/g)].flatMap(([, user = '', password]) => {
    if (password !== undefined) return [password, decoded(password)]
    return user.length < SHORTEST_ALONE ? [] : [user, decoded(user)]
  })
}

/** Of `ACCESS_KEY_ID:SECRET_ACCESS_KEY` what follows the name. */
function afterName(text: string): string[] {
  const [, after = ''] = /^[\w.@+=-]+:(?!\/\/)(\S+)$/.exec(text) ?? []
  return after.length < SHORTEST_ALONE ? [] : [after]
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // Written by hand, with a percent sign of its own.
    return part
  }
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
  const twice = JSON.stringify(json).slice(1, -1)
  return [
    ...jsonForms(json),
    ...jsonForms(twice),
    JSON.stringify(asciiEscapes(json)).slice(1, -1),
    ...shellForms(plain),
    ...pythonForms(plain),
    ...markupForms(plain),
  ]
}

/** As JavaScript writes it, as Python does (ASCII only), as PHP does (with `\/`). */
function jsonForms(json: string): string[] {
  const ascii = asciiEscapes(json)
  return [json, ascii, json.replaceAll('/', String.raw`\/`), ascii.replaceAll('/', String.raw`\/`)]
}

function asciiEscapes(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** `repr` in either quotes, `ascii`, and `repr` of the text's bytes. */
function pythonForms(plain: string): string[] {
  const escaped = plain
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('\t', String.raw`\t`)
  const bytes = Buffer.from(escaped).toString('latin1').replace(UNPRINTED, hexEscape)
  const forms = [escaped, asciiRepr(escaped), bytes]
  return forms.flatMap((form) => [form, form.replaceAll("'", String.raw`\'`)])
}

/** Nothing that Python prints of bytes, or of text that shall be ASCII. */
const UNPRINTED = /[^\x20-\x7e]/gu

function asciiRepr(text: string): string {
  return text.replace(UNPRINTED, (letter) => {
    const code = letter.codePointAt(0) ?? 0
    if (code < 0x100) return hexEscape(letter)
    const digits = code.toString(16)
    return code < 0x10000 ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`
  })
}

function hexEscape(letter: string): string {
  return `\\x${(letter.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`
}

/** As XML has text; and quotes as PHP, Python, templates (Jinja, Go) and XML have them in HTML and in attributes. */
function markupForms(plain: string): string[] {
  const text = plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const named = text.replaceAll('"', '&quot;')
  return [
    text,
    named,
    text.replaceAll('"', '&#34;').replaceAll("'", '&#39;'),
    ...['&#39;', '&#039;', '&#x27;', '&apos;'].map((quote) => named.replaceAll("'", quote)),
  ]
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
