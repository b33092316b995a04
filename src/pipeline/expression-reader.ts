import type { Comparison, Expression, ParsedExpression, StatusFunction } from './expression.ts'
import { didYouMean } from './suggestion.ts'

const LONGEST = 4_000
const DEEPEST = 50

type Token =
  | { readonly kind: 'text'; readonly at: number; readonly value: string }
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  | { readonly kind: 'word'; readonly at: number; readonly value: string }
  | { readonly kind: 'sign'; readonly at: number; readonly value: string }
  | { readonly kind: 'end'; readonly at: number; readonly value: '' }

class Wrong extends Error {
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

/** Recursive descent: `or` over `and` over `not` over a comparison over literals, names and calls. */
export function readExpression(text: string): ParsedExpression {
  try {
    if (text.length > LONGEST) throw new Wrong(0, `the expression is longer than ${LONGEST} characters`)
    const reader = new Reader(tokenize(text))
    return { ok: true, tree: reader.whole() }
  } catch (error) {
    if (error instanceof Wrong) return { ok: false, at: error.at, message: error.message }
    throw error
  }
}

const FOREIGN_SIGNS: Readonly<Record<string, string>> = { '&&': 'and', '||': 'or', '!': 'not', '=': '==', '===': '==' }

const TOKEN =
  /\s+|(?<text>'(?:[^']|'')*'|"[^"]*")|(?<number>-?\d+(?:\.\d+)?(?![\w.]))|(?<word>[A-Za-z_][\w-]*(?:\.[\w-]+)*)|(?<sign>==|!=|<=|>=|<|>|\(|\))/y

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at
    const groups = TOKEN.exec(text)?.groups
    // Arguments that cannot be read are of a function that there is not.
    if (groups === undefined && text[at] === ',') throw new Wrong(at, wrongCall(text.slice(0, at)))
    if (groups === undefined) throw new Wrong(at, unreadable(text.slice(at)))
    if (groups['text'] !== undefined) tokens.push({ kind: 'text', at, value: unquote(groups['text']) })
    if (groups['number'] !== undefined) tokens.push({ kind: 'number', at, value: Number(groups['number']) })
    if (groups['word'] !== undefined) tokens.push({ kind: 'word', at, value: groups['word'] })
    if (groups['sign'] !== undefined) tokens.push({ kind: 'sign', at, value: groups['sign'] })
  }
  tokens.push({ kind: 'end', at: text.length, value: '' })
  return tokens
}

function wrongCall(before: string): string {
  const name = /([\w.-]+)\s*\([^()]*$/.exec(before)?.[1]
  if (name === undefined || FUNCTIONS.includes(name)) return '"," has no meaning here'
  return noFunction(name)
}

const FUNCTIONS = ['success', 'failure', 'always']

function noFunction(name: string): string {
  return `there is no function ${name}(): write success(), failure() or always()`
}

function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1)
  return quoted.startsWith("'") ? inner.replaceAll("''", "'") : inner
}

function unreadable(rest: string): string {
  const sign = /^(===|&&|\|\||!|=)/.exec(rest)?.[0] ?? ''
  const ours = FOREIGN_SIGNS[sign]
  if (ours !== undefined) return `write \`${ours}\` instead of \`${sign}\``
  if (rest.startsWith("'") || rest.startsWith('"')) return 'this text has no closing quote'
  return `"${rest.slice(0, 1)}" has no meaning here`
}

class Reader {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): Expression {
    const tree = this.#either()
    const rest = this.#peek()
    if (rest.kind !== 'end')
      throw new Wrong(rest.at, `"${rest.value}" is one word too many: write \`and\` or \`or\` between conditions`)
    return tree
  }

  #either(): Expression {
    let left = this.#all()
    while (this.#isWord('or')) {
      const { at } = this.#take()
      left = { kind: 'both', at, operator: 'or', left, right: this.#all() }
    }
    return left
  }

  #all(): Expression {
    let left = this.#negation()
    while (this.#isWord('and')) {
      const { at } = this.#take()
      left = { kind: 'both', at, operator: 'and', left, right: this.#negation() }
    }
    return left
  }

  #negation(): Expression {
    if (!this.#isWord('not')) return this.#comparison()
    const { at } = this.#take()
    return { kind: 'not', at, operand: this.#deeper(at, () => this.#negation()) }
  }

  #comparison(): Expression {
    const left = this.#single()
    const token = this.#peek()
    if (token.kind !== 'sign' || token.value === '(' || token.value === ')') return left
    const { at } = this.#take()
    return { kind: 'compare', at, operator: token.value as Comparison, left, right: this.#single() }
  }

  #single(): Expression {
    const token = this.#take()
    const { at } = token
    if (token.kind === 'text' || token.kind === 'number') return { kind: 'literal', at, value: token.value }
    if (token.kind === 'word') return this.#word(token.value, at)
    if (token.value !== '(')
      throw new Wrong(at, token.kind === 'end' ? 'something is missing here' : `"${token.value}" cannot stand here`)
    const inner = this.#deeper(at, () => this.#either())
    if (this.#take().value !== ')') throw new Wrong(at, 'this parenthesis is not closed')
    return inner
  }

  #word(word: string, at: number): Expression {
    if (word === 'true' || word === 'false') return { kind: 'literal', at, value: word === 'true' }
    if (word === 'null') return { kind: 'literal', at, value: null }
    if (this.#peek().value === '(' && this.#peek().kind === 'sign') return this.#call(word, at)
    const names = word.split('.')
    const wrong = wrongName(names)
    if (wrong !== undefined) throw new Wrong(at, wrong)
    return { kind: 'name', at, parts: names }
  }

  #call(word: string, at: number): Expression {
    if (!FUNCTIONS.includes(word)) throw new Wrong(at, noFunction(word))
    this.#take()
    const token = this.#take()
    if (token.kind === 'end') throw new Wrong(at, `\`)\` is missing after \`${word}(\``)
    if (token.value !== ')') throw new Wrong(at, `${word}() takes nothing`)
    return { kind: 'call', at, name: word as StatusFunction }
  }

  #deeper(at: number, read: () => Expression): Expression {
    this.#depth += 1
    if (this.#depth > DEEPEST) throw new Wrong(at, `nested deeper than ${DEEPEST} levels`)
    const tree = read()
    this.#depth -= 1
    return tree
  }

  #isWord(word: string): boolean {
    const token = this.#peek()
    return token.kind === 'word' && token.value === word
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', at: 0, value: '' }
  }

  #take(): Token {
    const token = this.#peek()
    if (token.kind !== 'end') this.#next += 1
    return token
  }
}

const NAMES = ['branch', 'event', 'tag', 'matrix', 'params', 'steps']

const FOREIGN_NAMES: Readonly<Record<string, string>> = {
  'github.ref_name': 'branch',
  'github.ref': 'branch',
  'github.head_ref': 'branch',
  'github.event_name': 'event',
}

/** What a shell has as variables, and an expression does not. */
const IN_THE_ENVIRONMENT: Readonly<Record<string, string>> = {
  'github.sha': 'TIDEGATE_COMMIT',
  commit: 'TIDEGATE_COMMIT',
  sha: 'TIDEGATE_COMMIT',
  'github.run_id': 'TIDEGATE_RUN',
  'github.run_number': 'TIDEGATE_RUN',
}

function wrongName(names: readonly string[]): string | undefined {
  const [first = '', ...rest] = names
  const name = names.join('.')
  const ours = FOREIGN_NAMES[name]
  if (ours !== undefined) return `write \`${ours}\` instead of \`${name}\``
  const variable = Object.hasOwn(IN_THE_ENVIRONMENT, name) ? IN_THE_ENVIRONMENT[name] : undefined
  if (variable !== undefined) return `there is no "${name}": in a command write "$${variable}"`
  if (first === 'secrets' && rest.length === 1) {
    return `there is no "${name}": list ${rest[0]} under \`secrets\` of the step, and write "$${rest[0]}" in its command`
  }
  if (first === 'env' && rest.length === 1) return `there is no "${name}": in a command write "$${rest[0]}"`
  if (['needs', 'job', 'jobs'].includes(first)) return 'write `steps.<name>.outcome`'
  if (!NAMES.includes(first)) {
    return `there is no "${name}"${didYouMean(first, NAMES) || ': write branch, event, tag, matrix.x, params.x or steps.x.outcome; put text in quotes'}`
  }
  if (['branch', 'event', 'tag'].includes(first)) return rest.length === 0 ? undefined : `\`${first}\` has no parts`
  if (first === 'steps') return rest.length === 2 && rest[1] === 'outcome' ? undefined : 'write `steps.<name>.outcome`'
  if (first === 'matrix' && rest.length !== 1) return 'write `matrix.<axis>`'
  return rest.length > 0 ? undefined : 'write `params.<name>`'
}
