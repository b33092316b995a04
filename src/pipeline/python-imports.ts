/** One module that a statement names. Lines and columns count from 1. */
export interface PythonImport {
  /** `pkg.mod`; empty for `from . import x`. */
  readonly module: string
  /** Dots in front: 0 where it is absolute. */
  readonly level: number
  /** What `from … import` takes from it: names in it, or its submodules. */
  readonly names: readonly string[]
  readonly line: number
  readonly column: number
}

/**
 * The imports of a Python text, without running or fully parsing it: text in quotes and comments is skipped.
 * Left out is what may well be missing: imports inside `try`, and those for type checkers only.
 */
export function pythonImports(text: string): PythonImport[] {
  const found: PythonImport[] = []
  let optionalBelow = Infinity
  for (const statement of statements(text)) {
    const { indent } = statement
    if (indent <= optionalBelow) optionalBelow = Infinity
    if (optionalBelow !== Infinity) continue
    if (/^(try\b|if\s+(typing\.)?TYPE_CHECKING\b)/.test(statement.text)) optionalBelow = indent
    else found.push(...importsOf(statement))
  }
  return found
}

interface Statement {
  readonly text: string
  readonly line: number
  readonly column: number
  /** Of the first statement on its line. */
  readonly indent: number
}

const NAME = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/

function importsOf({ text, line, column }: Statement): PythonImport[] {
  const from = /^from\s*(\.*)\s*((?:[A-Za-z_][\w.]*)?)\s+import\s+(.+)$/.exec(text)
  if (from !== null) {
    const [, dots = '', module = '', list = ''] = from
    if (module !== '' && !NAME.test(module)) return []
    return [{ module, level: dots.length, names: namesIn(list), line, column }]
  }
  const plain = /^import\s+(.+)$/.exec(text)?.[1]
  const modules = plain === undefined ? [] : namesIn(plain)
  return modules.map((module) => ({ module, level: 0, names: [], line, column }))
}

/** `(a, b as c,)`. */
function namesIn(list: string): string[] {
  return list
    .replaceAll(/[()]/g, '')
    .split(',')
    .map((part) => part.trim().split(/\s+/)[0] ?? '')
    .filter((name) => NAME.test(name))
}

/** Whole statements with their quotes emptied: what stands in brackets, or goes on after `\\`, is one line. */
function* statements(text: string): Generator<Statement> {
  const reader = new StatementReader()
  for (const match of text.matchAll(TOKEN)) {
    const statement = reader.read(match[0], match.index)
    if (statement !== undefined) yield statement
  }
  const last = reader.end()
  if (last !== undefined) yield last
}

class StatementReader {
  #parts: string[] = []
  #depth = 0
  #line = 1
  #lineStart = 0
  #indent = 1
  #start: { line: number; column: number } | undefined

  /** The statement that this token ends. */
  read(token: string, offset: number): Statement | undefined {
    const isBreak = token === '\n' || token === '\r\n'
    if (token === ';' || (isBreak && this.#depth === 0)) {
      const statement = this.end()
      if (isBreak) this.#newLine(token, offset)
      return statement
    }
    if (isBreak || token.startsWith('\\') || token.trim() === '' || token.startsWith('#')) {
      if (this.#start !== undefined) this.#parts.push(' ')
    } else this.#add(token, offset)
    this.#newLine(token, offset)
    return undefined
  }

  end(): Statement | undefined {
    const start = this.#start
    const text = this.#parts.join('').trim()
    this.#parts = []
    this.#start = undefined
    return start === undefined ? undefined : { text, ...start, indent: this.#indent }
  }

  #add(token: string, offset: number): void {
    if (this.#start === undefined) {
      const column = offset - this.#lineStart + 1
      if (this.#isFirst) this.#indent = column
      this.#isFirst = false
      this.#start = { line: this.#line, column }
    }
    if (/^[([{]$/.test(token)) this.#depth += 1
    if (/^[)\]}]$/.test(token)) this.#depth = Math.max(0, this.#depth - 1)
    this.#parts.push(/^\w*["']/.test(token) ? '""' : token)
  }

  /** What follows a semicolon belongs as deep as what begins the line. */
  #isFirst = true

  #newLine(token: string, offset: number): void {
    const last = token.lastIndexOf('\n')
    if (last < 0) return
    for (let at = token.indexOf('\n'); at >= 0; at = token.indexOf('\n', at + 1)) this.#line += 1
    this.#lineStart = offset + last + 1
    if (this.#start === undefined) this.#isFirst = true
  }
}

/** Texts in quotes (also those that are never closed), comments, line ends, brackets, and runs of the rest. */
const TOKEN =
  /\b[rbfuRBFU]{0,2}"""[^]*?(?:"""|$(?![^]))|\b[rbfuRBFU]{0,2}'''[^]*?(?:'''|$(?![^]))|"""[^]*?(?:"""|$(?![^]))|'''[^]*?(?:'''|$(?![^]))|\b[rbfuRBFU]{0,2}"(?:\\[^]|[^"\\\n])*"?|\b[rbfuRBFU]{0,2}'(?:\\[^]|[^'\\\n])*'?|"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?|#[^\n]*|\\\r?\n|\r?\n|[()[\]{};]|\w+|[^\S\n]+|[^]/g
