import { setImmediate as othersTurn } from 'node:timers/promises'
import { AppError } from '../core/errors.ts'

/** One piece of an XML document, in its order. Text is as it stands in the file: `decodeXml` reads it. */
export type XmlEvent =
  | { readonly kind: 'open'; readonly name: string; readonly attributes: ReadonlyMap<string, string> }
  | { readonly kind: 'close'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string; readonly isLiteral: boolean }

const MOST_DEPTH = 100
const MOST_ATTRIBUTES = 100
const TURN_MS = 8

/**
 * Reads XML that strangers' programs wrote, piece by piece and in one pass: time and memory grow with the
 * size of the text and nothing else. No entity but XML's own is expanded, nothing is fetched, and depth and
 * attributes are bounded. Whoever else wants the event loop gets it every few milliseconds. What is not
 * well-formed is INVALID_INPUT with its line.
 */
export async function* readXml(text: string): AsyncGenerator<readonly XmlEvent[]> {
  let turn = performance.now()
  let events: XmlEvent[] = []
  for (const event of tokens(text)) {
    events.push(event)
    if (events.length < 512) continue
    yield events
    events = []
    if (performance.now() - turn < TURN_MS) continue
    await othersTurn()
    turn = performance.now()
  }
  yield events
}

function* tokens(text: string): Generator<XmlEvent> {
  const open: string[] = []
  let at = 0
  while (at < text.length) {
    const next = text.indexOf('<', at)
    const end = next === -1 ? text.length : next
    if (open.length > 0 && end > at) yield { kind: 'text', text: text.slice(at, end), isLiteral: false }
    if (next === -1) break
    if (text.startsWith('<![CDATA[', next)) {
      const stop = find(text, ']]>', next)
      if (open.length > 0) yield { kind: 'text', text: text.slice(next + 9, stop), isLiteral: true }
      at = stop + 3
    } else if (text.startsWith('<!--', next)) at = find(text, '-->', next + 4) + 3
    else if (text.startsWith('<?', next)) at = find(text, '?>', next) + 2
    else if (text.startsWith('<!', next)) at = passDeclaration(text, next)
    else if (text[next + 1] === '/') {
      const stop = find(text, '>', next)
      const name = text.slice(next + 2, stop).trim()
      if (open.pop() !== name) throw notXml(text, next, `</${name.slice(0, 60)}> closes what is not open`)
      yield { kind: 'close', name }
      at = stop + 1
    } else {
      const element = readElement(text, next)
      yield { kind: 'open', name: element.name, attributes: element.attributes }
      if (element.isEmpty) yield { kind: 'close', name: element.name }
      else if (open.push(element.name) > MOST_DEPTH)
        throw notXml(text, next, `its elements nest deeper than ${MOST_DEPTH}`)
      at = element.end
    }
  }
  const left = open.at(-1)
  if (left !== undefined) throw notXml(text, text.length, `<${left.slice(0, 60)}> is not closed: the file ends early`)
}

/** A document type that only names a definition is passed over; one that declares entities is an attack or a mistake. */
function passDeclaration(text: string, at: number): number {
  const end = find(text, '>', at)
  if (text.slice(at, end).includes('['))
    throw notXml(text, at, 'it declares a document type of its own, which reports do not need')
  return end + 1
}

const NAME = /[^\s/>="'<]+/y
const SPACE = /\s*/y

function readElement(text: string, start: number) {
  const name = take(NAME, text, start + 1)
  if (name === '') throw notXml(text, start, 'a < that opens nothing')
  const attributes = new Map<string, string>()
  let at = start + 1 + name.length
  for (let count = 0; ; count++) {
    at += take(SPACE, text, at).length
    if (text[at] === '>') return { name, attributes, isEmpty: false, end: at + 1 }
    if (text[at] === '/' && text[at + 1] === '>') return { name, attributes, isEmpty: true, end: at + 2 }
    const key = take(NAME, text, at)
    at += key.length
    at += take(SPACE, text, at).length
    if (key === '' || text[at] !== '=')
      throw notXml(text, at, `<${name.slice(0, 60)}> has an attribute without a value`)
    at += 1 + take(SPACE, text, at + 1).length
    const quote = text[at]
    if (quote !== '"' && quote !== "'") throw notXml(text, at, 'the value of an attribute has no quotes')
    const end = find(text, quote, at + 1)
    if (count >= MOST_ATTRIBUTES) throw notXml(text, at, `an element has more than ${MOST_ATTRIBUTES} attributes`)
    attributes.set(key, text.slice(at + 1, end))
    at = end + 1
  }
}

function take(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

function find(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from)
  if (found === -1) throw notXml(text, from, `${mark} is missing: the file ends early`)
  return found
}

/** The line is counted only now, when it is wanted once. */
function notXml(text: string, at: number, why: string): AppError {
  let line = 1
  for (let from = text.indexOf('\n'); from !== -1 && from < at; from = text.indexOf('\n', from + 1)) line += 1
  return new AppError('INVALID_INPUT', `it is no XML that can be read: ${why} (line ${line})`, { line })
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** XML's own five entities and numbered characters; what else there is stays as it stands. Without NUL, which no database keeps. */
export function decodeXml(text: string): string {
  const plain = text.includes('&')
    ? text.replaceAll(
        /&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|[a-z]{2,4});/g,
        (whole, name: string) => decodeOne(name) ?? whole,
      )
    : text
  return plain.replaceAll('\0', '')
}

function decodeOne(name: string): string | undefined {
  if (!name.startsWith('#')) return NAMED[name]
  const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : undefined
}
