import { shellTokens, UnreadableShell, type ShellToken } from './shell-tokens.ts'

/** Commands one after the other. */
export type ShellList = readonly Chain[]

/** Joined by `&&` and `||`. */
export interface Chain {
  readonly links: readonly Link[]
  readonly isBackground: boolean
}

export interface Link {
  readonly after: '&&' | '||' | undefined
  readonly isNegated: boolean
  /** More than one: a pipe. */
  readonly commands: readonly ShellCommand[]
}

/** `writes`: targets of redirections. `inner`: code in `$( )`. */
export type ShellCommand = { readonly writes: readonly string[]; readonly inner: readonly string[] } & (
  | { readonly kind: 'simple'; readonly words: readonly string[] }
  | Compound
)

type Compound =
  | { readonly kind: 'subshell'; readonly body: ShellList }
  | { readonly kind: 'braces'; readonly body: ShellList }
  /** `if`, `while`, `until`, `case`: each part may run, or not. */
  | { readonly kind: 'choice'; readonly parts: readonly ShellList[] }
  /** `words` absent: over the arguments, or counted. */
  | { readonly kind: 'for'; readonly words?: readonly string[]; readonly body: ShellList }
  | { readonly kind: 'function'; readonly name: string; readonly body: ShellCommand }

/** The commands of a shell text; undefined where it cannot be read for certain. Never throws. */
export function shellCommands(text: string): ShellList | undefined {
  try {
    return new Reader(shellTokens(text)).whole()
  } catch (error) {
    if (error instanceof UnreadableShell) return undefined
    throw error
  }
}

const DEEPEST = 30

class Reader {
  readonly #tokens: readonly ShellToken[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly ShellToken[]) {
    this.#tokens = tokens
  }

  whole(): ShellList {
    const list = this.#list([])
    if (this.#peek() !== undefined) throw new UnreadableShell()
    return list
  }

  /** Up to one of these words, which stays. */
  #list(ends: readonly string[]): Chain[] {
    const chains: Chain[] = []
    for (;;) {
      while (this.#isSign('\n', ';', '&')) this.#at += 1
      if (this.#peek() === undefined || this.#isSign(')', ';;', ';&', ';;&') || this.#isWord(...ends)) break
      chains.push(this.#chain())
    }
    return chains
  }

  #chain(): Chain {
    const links: Link[] = [this.#link(undefined)]
    while (this.#isSign('&&', '||')) {
      const after = this.#takeSign() as '&&' | '||'
      this.#skipLines()
      links.push(this.#link(after))
    }
    return { links, isBackground: this.#isSign('&') }
  }

  #link(after: Link['after']): Link {
    let isNegated = false
    while (this.#isWord('!')) {
      this.#at += 1
      isNegated = !isNegated
    }
    const commands = [this.#command()]
    while (this.#isSign('|', '|&')) {
      this.#at += 1
      this.#skipLines()
      commands.push(this.#command())
    }
    return { after, isNegated, commands }
  }

  #command(): ShellCommand {
    if (++this.#depth > DEEPEST) throw new UnreadableShell()
    const start = this.#at
    const own = this.#compound()
    const rest = this.#simple()
    // Only redirections may follow what has an end word.
    if (own === undefined ? this.#at === start : rest.words.length > 0) throw new UnreadableShell()
    this.#depth -= 1
    return { ...rest, ...own }
  }

  #compound(): Compound | undefined {
    if (this.#isSign('(')) return { kind: 'subshell', body: this.#between('(', ')') }
    if (this.#isWord('{')) return { kind: 'braces', body: this.#between('{', '}') }
    if (this.#isWord('if')) return { kind: 'choice', parts: this.#if() }
    if (this.#isWord('while', 'until')) return { kind: 'choice', parts: this.#while() }
    if (this.#isWord('case')) return { kind: 'choice', parts: this.#case() }
    if (this.#isWord('for', 'select')) return this.#for()
    const name = this.#functionName()
    return name === undefined ? undefined : { kind: 'function', name, body: this.#command() }
  }

  #between(open: string, close: string): ShellList {
    this.#expect(open)
    const body = this.#list([close])
    this.#expect(close)
    return body
  }

  #if(): ShellList[] {
    const parts: ShellList[] = []
    do {
      this.#at += 1
      parts.push(this.#list(['then']))
      this.#expect('then')
      parts.push(this.#list(['elif', 'else', 'fi']))
    } while (this.#isWord('elif'))
    if (this.#isWord('else')) {
      this.#at += 1
      parts.push(this.#list(['fi']))
    }
    this.#expect('fi')
    return parts
  }

  #while(): ShellList[] {
    this.#at += 1
    const condition = this.#list(['do'])
    return [condition, this.#between('do', 'done')]
  }

  #case(): ShellList[] {
    const parts: ShellList[] = []
    this.#at += 1
    this.#word()
    this.#skipLines()
    this.#expect('in')
    for (this.#skipLines(); !this.#isWord('esac'); this.#skipLines()) {
      if (this.#isSign('(')) this.#at += 1
      this.#word()
      while (this.#isSign('|')) {
        this.#at += 1
        this.#word()
      }
      this.#expect(')')
      parts.push(this.#list(['esac']))
      if (this.#isSign(';;', ';&', ';;&')) this.#at += 1
    }
    this.#expect('esac')
    return parts
  }

  #for(): Compound {
    this.#at += 1
    this.#word()
    this.#skipLines()
    let words: string[] | undefined
    if (this.#isWord('in')) {
      this.#at += 1
      words = []
      while (this.#peek()?.kind === 'word') words.push(this.#word())
    }
    while (this.#isSign('\n', ';')) this.#at += 1
    const body = this.#between('do', 'done')
    return { kind: 'for', ...(words === undefined ? {} : { words }), body }
  }

  /** `name()`, `function name`. */
  #functionName(): string | undefined {
    const [first, second, third] = this.#tokens.slice(this.#at, this.#at + 3)
    if (first?.kind !== 'word') return undefined
    const hasParentheses = (one?: ShellToken, two?: ShellToken) =>
      one?.kind === 'sign' && one.text === '(' && two?.kind === 'sign' && two.text === ')'
    if (this.#isWord('function') && second?.kind === 'word') {
      this.#at += 2
      if (hasParentheses(...this.#tokens.slice(this.#at, this.#at + 2))) this.#at += 2
      this.#skipLines()
      return second.text
    }
    if (!hasParentheses(second, third)) return undefined
    this.#at += 3
    this.#skipLines()
    return first.text
  }

  #simple(): Extract<ShellCommand, { kind: 'simple' }> {
    const words: string[] = []
    const writes: string[] = []
    const inner: string[] = []
    for (let token = this.#peek(); token !== undefined && token.kind !== 'sign'; token = this.#peek()) {
      inner.push(...token.inner)
      if (token.kind === 'word') words.push(token.text)
      else if (token.sign.startsWith('>') && !/^(\d+|-)$/.test(token.target)) writes.push(token.target)
      this.#at += 1
    }
    return { kind: 'simple', words, writes, inner }
  }

  #word(): string {
    const token = this.#peek()
    if (token?.kind !== 'word') throw new UnreadableShell()
    this.#at += 1
    return token.text
  }

  #skipLines(): void {
    while (this.#isSign('\n')) this.#at += 1
  }

  #expect(text: string): void {
    if (!this.#isSign(text) && !this.#isWord(text)) throw new UnreadableShell()
    this.#at += 1
  }

  #takeSign(): string {
    const token = this.#peek()
    this.#at += 1
    return token?.kind === 'sign' ? token.text : ''
  }

  #isSign(...texts: string[]): boolean {
    const token = this.#peek()
    return token?.kind === 'sign' && texts.includes(token.text)
  }

  #isWord(...texts: string[]): boolean {
    const token = this.#peek()
    return token?.kind === 'word' && !token.isQuoted && texts.includes(token.text)
  }

  #peek(): ShellToken | undefined {
    return this.#tokens[this.#at]
  }
}
