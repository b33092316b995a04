/** What a shell text is cut into. Words have lost their quotes; what the shell would put in stands as `$…` in them. */
export type ShellToken =
  /** `inner`: the code of `$( )` and backquotes in it. */
  | { readonly kind: 'word'; readonly text: string; readonly isQuoted: boolean; readonly inner: readonly string[] }
  | { readonly kind: 'sign'; readonly text: string }
  | { readonly kind: 'redirection'; readonly sign: string; readonly target: string; readonly inner: readonly string[] }

/** No shell text, or one that is beyond what is read here. */
export class UnreadableShell extends Error {}

const SIGN = /\|\||&&|;;&|;;|;&|\|&|[;&|()\n]/y
const REDIRECTION = /(?:\d*|&)(?:<<<|<<-|<<|<>|<&|>&|>>|>\||<|>)/y
const BLANKS = /(?:[ \t\r]|\\\n)+/y
const TEST = /\[\[\s[^]{0,2000}?\s\]\](?=[\s;&|)]|$)/y
const ARITHMETIC = /\(\((?:[^()\n]|\((?:[^()\n]|\([^()\n]*\))*\))*\)\)/y

/** Here-documents are left out, and so are comments. `[[ … ]]` and `(( … ))` are one word each. */
export function shellTokens(text: string): ShellToken[] {
  return new Cutter(text).all()
}

class Cutter {
  readonly #text: string
  #at = 0
  readonly #tokens: ShellToken[] = []
  /** Words that end the here-documents of this line. */
  #documents: { readonly word: string; readonly tabs: boolean }[] = []

  constructor(text: string) {
    this.#text = text
  }

  all(): ShellToken[] {
    while (this.#at < this.#text.length) this.#next()
    return this.#tokens
  }

  #next(): void {
    if (this.#take(BLANKS) !== undefined) return
    if (this.#text[this.#at] === '#') return this.#comment()
    if (/^[<>]\($/.test(this.#text.slice(this.#at, this.#at + 2))) return this.#word()
    const whole = this.#take(TEST) ?? this.#take(ARITHMETIC)
    if (whole !== undefined) {
      this.#tokens.push({ kind: 'word', text: whole.slice(0, 2), isQuoted: false, inner: [] })
      return
    }
    const redirection = this.#take(REDIRECTION)
    if (redirection !== undefined) return this.#redirection(redirection.replace(/^[\d&]*/, ''))
    const sign = this.#take(SIGN)
    if (sign === undefined) return this.#word()
    this.#tokens.push({ kind: 'sign', text: sign })
    if (sign === '\n') this.#skipDocuments()
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }

  #comment(): void {
    const end = this.#text.indexOf('\n', this.#at)
    this.#at = end === -1 ? this.#text.length : end
  }

  #redirection(sign: string): void {
    this.#take(BLANKS)
    const { text, inner } = this.#readWord()
    if (sign === '<<' || sign === '<<-') this.#documents.push({ word: text, tabs: sign === '<<-' })
    this.#tokens.push({ kind: 'redirection', sign, target: text, inner })
  }

  #skipDocuments(): void {
    for (const { word, tabs } of this.#documents) {
      for (let line: string | undefined; line !== word && this.#at < this.#text.length;) {
        const end = this.#text.indexOf('\n', this.#at)
        line = this.#text.slice(this.#at, end === -1 ? undefined : end)
        if (tabs) line = line.replace(/^\t+/, '')
        this.#at = end === -1 ? this.#text.length : end + 1
      }
    }
    this.#documents = []
  }

  #word(): void {
    const start = this.#at
    const word = this.#readWord()
    if (this.#at === start) throw new UnreadableShell()
    this.#tokens.push({ kind: 'word', ...word })
  }

  #readWord(): { text: string; isQuoted: boolean; inner: string[] } {
    const inner: string[] = []
    let text = ''
    let isQuoted = false
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined) break
      const isSubstitution = /^[<>]\($/.test(this.#text.slice(this.#at, this.#at + 2))
      if (/[\s;&|<>()]/.test(character) && !(isSubstitution && text === '')) break
      if ('\'"\\'.includes(character)) isQuoted = true
      if (character === "'") text += this.#single()
      else if (character === '"') text += this.#double(inner)
      else if (character === '\\') text += this.#escaped()
      else if ('$`<>'.includes(character)) text += this.#expansion(inner)
      else {
        text += character
        this.#at += 1
      }
    }
    return { text, isQuoted, inner }
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#at + 1)
    if (end === -1) throw new UnreadableShell()
    const text = this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    return text
  }

  #double(inner: string[]): string {
    let text = ''
    this.#at += 1
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined) throw new UnreadableShell()
      if (character === '"') break
      if (character === '\\' && !/["\\$`\n]/.test(this.#text[this.#at + 1] ?? '')) {
        text += character
        this.#at += 1
      } else if (character === '\\') text += this.#escaped()
      else if (character === '$' || character === '`') text += this.#expansion(inner)
      else {
        text += character
        this.#at += 1
      }
    }
    this.#at += 1
    return text
  }

  #escaped(): string {
    const next = this.#text[this.#at + 1] ?? ''
    this.#at += 2
    return next === '\n' ? '' : next
  }

  /** Of `$x` only the dollar is taken: the name is as good as any other text. */
  #expansion(inner: string[]): string {
    const start = this.#at
    if (this.#text[start] === '`') this.#at = this.#endOfBackquotes(start + 1)
    else if (this.#text.startsWith('${', start)) this.#at = this.#endOf('{', '}', start + 2)
    else if (this.#text[start + 1] === '(') this.#at = this.#endOf('(', ')', start + 2)
    else {
      this.#at += 1
      return '$'
    }
    const code = this.#text.slice(start + (this.#text[start] === '`' ? 1 : 2), this.#at - 1)
    if (!this.#text.startsWith('${', start) && !this.#text.startsWith('$((', start)) inner.push(code)
    return '$()'
  }

  #endOfBackquotes(from: number): number {
    for (let at = from; at < this.#text.length; at++) {
      if (this.#text[at] === '\\') at += 1
      else if (this.#text[at] === '`') return at + 1
    }
    throw new UnreadableShell()
  }

  #endOf(open: string, close: string, from: number): number {
    let depth = 1
    let quote: string | undefined
    for (let at = from; at < this.#text.length; at++) {
      const character = this.#text[at]
      if (character === '\\' && quote !== "'") at += 1
      else if (character === quote) quote = undefined
      else if (quote === undefined && (character === "'" || character === '"')) quote = character
      else if (quote === undefined && character === open) depth += 1
      else if (quote === undefined && character === close && --depth === 0) return at + 1
    }
    throw new UnreadableShell()
  }
}
