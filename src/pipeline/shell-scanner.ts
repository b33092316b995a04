export type ShellContext = 'bare' | 'double' | 'single' | 'heredoc' | 'quoted-heredoc' | 'arithmetic' | 'escaped'

type Frame = 'top' | 'double' | 'single' | 'command' | 'backquote' | 'arithmetic' | 'brace'

/**
 * Follows quotes, substitutions, comments and here-documents of a POSIX shell text, piece by piece, to say
 * what an expansion at this point would stand in. It checks no syntax.
 */
export class ShellScanner {
  readonly #frames: Frame[] = ['top']
  /** Here-documents whose word was read on the current line; their text starts on the next one. */
  #pending: { word: string; quoted: boolean; tabs: boolean }[] = []
  #comment = false
  #wordStart = true
  #heredocLine = ''
  #inHeredoc = false
  #escaped = false
  /** Parentheses open inside the innermost command or arithmetic. */
  readonly #parentheses: number[] = [0]

  get context(): ShellContext {
    if (this.#escaped) return 'escaped'
    if (this.#inHeredoc) return this.#pending[0]?.quoted === true ? 'quoted-heredoc' : 'heredoc'
    if (this.#frames.includes('arithmetic')) return 'arithmetic'
    return this.#quoting(this.#frames.length - 1)
  }

  /** A word stands here that is not shell text (an expression). */
  readWord(): void {
    this.#escaped = false
    this.#wordStart = false
    if (this.#inHeredoc) this.#heredocLine += '\0'
  }

  read(text: string): void {
    for (let index = 0; index < text.length; index += this.#step(text, index));
  }

  #quoting(top: number): 'bare' | 'double' | 'single' {
    const frame = this.#frames[top]
    if (frame === 'single' || frame === 'double') return frame
    // Inside "${x:-…}" the quotes around still hold.
    if (frame === 'brace' && top > 0) return this.#quoting(top - 1)
    return 'bare'
  }

  /** Reads at `index`, returns how many characters that was. */
  #step(text: string, index: number): number {
    const character = text[index] ?? ''
    if (this.#inHeredoc) return this.#heredoc(character)
    if (this.#escaped) {
      this.#escaped = false
      this.#wordStart = false
      return 1
    }
    const frame = this.#frames.at(-1)
    if (frame === 'single') {
      if (character === "'") this.#frames.pop()
      return 1
    }
    if (this.#comment) return this.#commented(character)
    if (character === '\\') {
      this.#escaped = true
      return 1
    }
    const opened = this.#open(text, index)
    if (opened > 0) return opened
    return this.#plain(text, index, character)
  }

  #heredoc(character: string): number {
    if (character !== '\n') {
      this.#heredocLine += character
      return 1
    }
    this.#endHeredocLine()
    return 1
  }

  #endHeredocLine(): void {
    const [current] = this.#pending
    const line = current?.tabs === true ? this.#heredocLine.replace(/^\t+/, '') : this.#heredocLine
    this.#heredocLine = ''
    if (line !== current?.word) return
    this.#pending.shift()
    this.#inHeredoc = this.#pending.length > 0
    this.#wordStart = true
  }

  #commented(character: string): number {
    if (character === '\n') {
      this.#comment = false
      this.#newline()
    }
    return 1
  }

  #newline(): void {
    this.#wordStart = true
    if (this.#pending.length > 0) this.#inHeredoc = true
  }

  /** Substitutions and quotes that begin here. */
  #open(text: string, index: number): number {
    const bare = this.#quoting(this.#frames.length - 1) === 'bare'
    if (text.startsWith('$((', index)) return this.#push('arithmetic', 3)
    if (text.startsWith('$(', index)) return this.#push('command', 2)
    if (text.startsWith('${', index)) return this.#push('brace', 2)
    if (text[index] === '`') return this.#toggle('backquote')
    if (text[index] === '"' && this.#frames.at(-1) !== 'arithmetic') return this.#toggle('double')
    if (text[index] === "'" && bare) return this.#push('single', 1)
    if (bare && this.#wordStart && text[index] === '#') {
      this.#comment = true
      return 1
    }
    return bare ? this.#heredocWord(text, index) : 0
  }

  #push(frame: Frame, length: number): number {
    this.#frames.push(frame)
    this.#parentheses.push(0)
    this.#wordStart = frame === 'command' || frame === 'backquote'
    return length
  }

  #pop(length: number): number {
    this.#frames.pop()
    this.#parentheses.pop()
    this.#wordStart = false
    return length
  }

  #toggle(frame: Frame): number {
    return this.#frames.at(-1) === frame ? this.#pop(1) : this.#push(frame, 1)
  }

  #heredocWord(text: string, index: number): number {
    const found = /^<<(?<tabs>-?)[ \t]*(?<word>'[^'\n]*'|"[^"\n]*"|\\?[\w.-]+)/.exec(text.slice(index, index + 200))
    const { tabs, word } = found?.groups ?? {}
    if (found === null || word === undefined || text[index - 1] === '<' || text[index + 2] === '<') return 0
    const quoted = /^['"\\]/.test(word)
    this.#pending.push({ word: word.replace(/^['"\\]|['"]$/g, ''), quoted, tabs: tabs === '-' })
    return found[0].length
  }

  #plain(text: string, index: number, character: string): number {
    const frame = this.#frames.at(-1)
    const top = this.#parentheses.length - 1
    if (frame === 'brace' && character === '}') return this.#pop(1)
    if (frame === 'arithmetic' && this.#parentheses[top] === 0 && text.startsWith('))', index)) return this.#pop(2)
    if (frame === 'command' && this.#parentheses[top] === 0 && character === ')') return this.#pop(1)
    if (character === '(') this.#parentheses[top] = (this.#parentheses[top] ?? 0) + 1
    if (character === ')') this.#parentheses[top] = Math.max(0, (this.#parentheses[top] ?? 0) - 1)
    if (character === '\n') this.#newline()
    else this.#wordStart = ' \t;&|()'.includes(character)
    return 1
  }
}
