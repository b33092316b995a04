import { arrayBytes } from './joblib-arrays.ts'
import { OPCODES } from './opcodes.ts'
import type { Value } from './pickle-value.ts'

/** A name that unpickling looks up, and so whatever code that name stands for. */
export interface PickledName {
  /** `module.attribute`; undefined where it is put together while loading. */
  readonly name: string | undefined
  readonly opcode: string
  /** Of the opcode in its pickle, from 0. */
  readonly position: number
}

export interface PickleScan {
  /** The first mention of each. */
  readonly names: readonly PickledName[]
  /** What can be said of no plain pickle: a call of something made while loading, a registered extension. */
  readonly oddities: readonly PickledName[]
  /** Something was called, made or given state. */
  readonly acts: boolean
  /** After its STOP; undefined where it has none that was reached. */
  readonly end: number | undefined
  /** Why the rest could not be followed. */
  readonly trouble?: string
  /** It went on as a pickle does until one of our own limits ended it: what comes after it is unknown. */
  readonly isTooLong: boolean
}

const MOST_OPCODES = 20_000_000
const MOST_STACK = 4_000_000
const MOST_NAMES = 2_000
/** Longer texts are no names. */
const LONGEST_NAME = 300

/**
 * Follows a pickle as the unpickler would, and calls nothing: what stands on the stack and in the memo is
 * known as far as names go, so that a name hidden behind PUT and GET, DUP or POP is still that name.
 * `joblib`: after an array wrapper's BUILD come the array's bytes, as joblib writes them.
 */
export function scanPickle(bytes: Buffer, start: number, options: { readonly joblib?: boolean } = {}): PickleScan {
  const machine = new Machine(bytes, start, options.joblib === true)
  return machine.run()
}

class Trouble extends Error {}

/** The bytes may be as good as any: we do not follow them further. */
class TooLong extends Trouble {}

class Machine {
  readonly #bytes: Buffer
  readonly #joblib: boolean
  readonly #names = new Map<string, PickledName>()
  readonly #oddities: PickledName[] = []
  readonly #memo = new Map<number, Value>()
  #stack: Value[] = []
  readonly #marks: number[] = []
  #at: number
  #acts = false
  /** Of the opcode under way. */
  #position = 0
  #opcode = ''

  constructor(bytes: Buffer, start: number, joblib: boolean) {
    this.#bytes = bytes
    this.#at = start
    this.#joblib = joblib
  }

  run(): PickleScan {
    let end: number | undefined
    let trouble: string | undefined
    let isTooLong = false
    try {
      for (let count = 0; end === undefined; count++) {
        if (count > MOST_OPCODES) throw new TooLong(`it has more than ${MOST_OPCODES} opcodes`)
        if (this.#step()) end = this.#at
      }
    } catch (error) {
      if (!(error instanceof Trouble)) throw error
      isTooLong = error instanceof TooLong
      trouble = `at byte ${this.#position}${this.#opcode === '' ? '' : ` (${this.#opcode})`} ${error.message}`
    }
    const told = { names: [...this.#names.values()], oddities: this.#oddities, acts: this.#acts, end, isTooLong }
    return trouble === undefined ? told : { ...told, trouble }
  }

  /** True at STOP. */
  #step(): boolean {
    this.#position = this.#at
    this.#opcode = ''
    const code = this.#take(1)[0] ?? 0
    const opcode = OPCODES.get(code)
    if (opcode === undefined) throw new Trouble(`there is 0x${code.toString(16).padStart(2, '0')}, which is no opcode`)
    this.#opcode = opcode.name
    const argument = this.#argument(opcode.argument)
    if (opcode.name === 'STOP') {
      this.#pop()
      return true
    }
    this.#act(opcode.name, argument)
    if (this.#stack.length > MOST_STACK) throw new TooLong('its stack is too deep to be followed')
    return false
  }

  #argument(argument: NonNullable<ReturnType<typeof OPCODES.get>>['argument']): Buffer[] {
    if (argument === undefined) return []
    if (argument.kind === 'bytes') return [this.#take(argument.size)]
    if (argument.kind === 'lines') return Array.from({ length: argument.count }, () => this.#line())
    const length = this.#take(argument.lengthSize)
    return [
      this.#take(
        argument.lengthSize === 8 ? Number(length.readBigUInt64LE()) : length.readUIntLE(0, argument.lengthSize),
      ),
    ]
  }

  // oxlint-disable-next-line complexity -- one case for each opcode, as in the unpickler itself
  #act(opcode: string, [argument = Buffer.alloc(0), second]: readonly Buffer[]): void {
    switch (opcode) {
      case 'MARK':
        this.#marks.push(this.#stack.length)
        return
      case 'POP':
        if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop()
        else this.#pop()
        return
      case 'POP_MARK':
        this.#popMark()
        return
      case 'DUP':
        return this.#push(this.#top())
      case 'STRING':
      case 'UNICODE':
        return this.#push(this.#quoted(opcode, argument))
      case 'BINSTRING':
      case 'SHORT_BINSTRING':
      case 'BINUNICODE':
      case 'SHORT_BINUNICODE':
      case 'BINUNICODE8':
        return this.#push(text(argument))
      case 'INT':
      case 'LONG':
        return this.#push(number(argument.toString('latin1').replace(/L?\r?$/, '')))
      case 'BININT':
        return this.#push({ kind: 'number', value: argument.readInt32LE() })
      case 'BININT1':
      case 'BININT2':
        return this.#push({ kind: 'number', value: argument.readUIntLE(0, argument.length) })
      case 'LONG1':
      case 'LONG4':
        return this.#push(longNumber(argument))
      case 'NEWTRUE':
      case 'NEWFALSE':
        return this.#push({ kind: 'number', value: opcode === 'NEWTRUE' ? 1 : 0 })
      case 'NONE':
        return this.#push({ kind: 'none' })
      case 'FLOAT':
      case 'BINFLOAT':
      case 'BINBYTES':
      case 'SHORT_BINBYTES':
      case 'BINBYTES8':
      case 'BYTEARRAY8':
      case 'PERSID':
      case 'EMPTY_LIST':
      case 'EMPTY_SET':
      case 'NEXT_BUFFER':
        return this.#push({ kind: 'unknown' })
      case 'EMPTY_DICT':
        return this.#push({ kind: 'dict', entries: new Map() })
      case 'EMPTY_TUPLE':
        return this.#push({ kind: 'tuple', items: [] })
      case 'BINPERSID':
        this.#pop()
        return this.#push({ kind: 'unknown' })
      case 'TUPLE':
        return this.#push({ kind: 'tuple', items: this.#popMark() })
      case 'TUPLE1':
      case 'TUPLE2':
      case 'TUPLE3': {
        const items = Array.from({ length: Number(opcode.at(-1)) }, () => this.#pop()).reverse()
        return this.#push({ kind: 'tuple', items })
      }
      case 'LIST':
      case 'FROZENSET':
        this.#popMark()
        return this.#push({ kind: 'unknown' })
      case 'DICT': {
        const dict: Value = { kind: 'dict', entries: new Map() }
        setItems(dict, this.#popMark())
        return this.#push(dict)
      }
      case 'APPEND':
        this.#pop()
        return this.#touch()
      case 'APPENDS':
      case 'ADDITEMS':
        this.#popMark()
        return this.#touch()
      case 'SETITEM': {
        const value = this.#pop()
        const key = this.#pop()
        setItems(this.#top(), [key, value])
        return this.#touch()
      }
      case 'SETITEMS': {
        const items = this.#popMark()
        setItems(this.#top(), items)
        return this.#touch()
      }
      case 'PUT':
      case 'BINPUT':
      case 'LONG_BINPUT':
        this.#memo.set(memoPlace(opcode, argument), this.#top())
        return
      case 'MEMOIZE':
        this.#memo.set(this.#memo.size, this.#top())
        return
      case 'GET':
      case 'BINGET':
      case 'LONG_BINGET': {
        const known = this.#memo.get(memoPlace(opcode, argument))
        if (known === undefined) throw new Trouble('asks the memo for what nobody put there')
        return this.#push(known)
      }
      case 'GLOBAL':
        return this.#push(this.#named(line(argument), line(second)))
      case 'STACK_GLOBAL': {
        const attribute = this.#pop()
        const module = this.#pop()
        const isPlain = attribute.kind === 'text' && module.kind === 'text'
        return this.#push(isPlain ? this.#named(module.value, attribute.value) : this.#unnamed())
      }
      case 'EXT1':
      case 'EXT2':
      case 'EXT4':
        this.#odd(`extension ${argument.readUIntLE(0, argument.length)}`)
        return this.#push({ kind: 'unknown' })
      case 'INST': {
        const args = this.#popMark()
        return this.#make(this.#named(line(argument), line(second)), { kind: 'tuple', items: args })
      }
      case 'OBJ': {
        const [callee = { kind: 'unknown' } as const, ...args] = this.#popMark()
        return this.#make(callee, { kind: 'tuple', items: args })
      }
      case 'NEWOBJ_EX': {
        this.#pop()
        const args = this.#pop()
        return this.#make(this.#pop(), args)
      }
      case 'REDUCE':
      case 'NEWOBJ': {
        const args = this.#pop()
        return this.#make(this.#pop(), args)
      }
      case 'BUILD':
        return this.#build()
      default:
        // PROTO, FRAME and READONLY_BUFFER change nothing that we follow.
        return
    }
  }

  /** Appending to, or setting items of, an object calls its methods. */
  #touch(): void {
    if (this.#top().kind === 'made') this.#acts = true
  }

  #make(callee: Value, args: Value): void {
    this.#acts = true
    if (callee.kind === 'global') return this.#push({ kind: 'made', by: callee.name, args, state: undefined })
    this.#odd(callee.kind === 'made' ? `what ${callee.by} answered` : undefined)
    this.#push({ kind: 'unknown' })
  }

  #build(): void {
    const state = this.#pop()
    const target = this.#top()
    this.#acts = true
    if (target.kind !== 'made') return
    target.state = state
    if (!this.#joblib || !/^joblib\.numpy_pickle\.NumpyArrayWrapper$/.test(target.by)) return
    const size = arrayBytes(this.#bytes, this.#at, state)
    if (size === undefined) throw new Trouble('stands an array that cannot be followed')
    if (size.kind === 'pickle') {
      // An array of objects is a pickle of its own, in the same stream.
      const nested = new Machine(this.#bytes, this.#at, false).run()
      this.#adopt(nested)
      if (nested.end === undefined)
        throw new Trouble(`is an array of objects that cannot be followed: ${nested.trouble ?? ''}`)
      this.#at = nested.end
    } else {
      // Read by `pickle` instead of joblib the same bytes would be opcodes.
      this.#adopt(new Machine(this.#bytes, this.#at, false).run())
      this.#take(size.bytes)
    }
    this.#stack[this.#stack.length - 1] = { kind: 'unknown' }
  }

  #adopt({ names, oddities, acts }: PickleScan): void {
    if (!acts) return
    for (const name of names) if (this.#names.size < MOST_NAMES) this.#names.set(name.name ?? `?${name.position}`, name)
    this.#oddities.push(...oddities.slice(0, MOST_NAMES - this.#oddities.length))
  }

  #named(module: string, attribute: string): Value {
    if (module.length > LONGEST_NAME || attribute.length > LONGEST_NAME) return this.#unnamed()
    const name = `${module}.${attribute}`
    if (!this.#names.has(name)) {
      if (this.#names.size >= MOST_NAMES) throw new TooLong(`it looks up more than ${MOST_NAMES} names`)
      this.#names.set(name, { name, opcode: this.#opcode, position: this.#position })
    }
    return { kind: 'global', name }
  }

  #unnamed(): Value {
    this.#odd(undefined)
    return { kind: 'unknown' }
  }

  #odd(name: string | undefined): void {
    if (this.#oddities.length < MOST_NAMES)
      this.#oddities.push({ name, opcode: this.#opcode, position: this.#position })
  }

  #quoted(opcode: string, argument: Buffer): Value {
    const line = argument.toString('utf8').replace(/\r$/, '')
    const inner = opcode === 'STRING' ? /^(['"])(.*)\1$/s.exec(line.trim())?.[2] : line
    // An escape may spell any name; nothing that Python writes into a name has one.
    return inner === undefined || inner.includes('\\') ? { kind: 'unknown' } : text(Buffer.from(inner))
  }

  #push(value: Value): void {
    this.#stack.push(value)
  }

  #top(): Value {
    const top = this.#stack.at(-1)
    if (top === undefined || this.#marks.at(-1) === this.#stack.length) throw new Trouble('takes from an empty stack')
    return top
  }

  #pop(): Value {
    const top = this.#top()
    this.#stack.pop()
    return top
  }

  #popMark(): Value[] {
    const mark = this.#marks.pop()
    if (mark === undefined) throw new Trouble('there is no MARK')
    return this.#stack.splice(mark)
  }

  #take(size: number): Buffer {
    if (!(size >= 0) || this.#at + size > this.#bytes.length) throw new Trouble('it ends too early')
    this.#at += size
    return this.#bytes.subarray(this.#at - size, this.#at)
  }

  #line(): Buffer {
    const end = this.#bytes.indexOf(0x0a, this.#at)
    if (end === -1) throw new Trouble('it ends too early')
    const line = this.#bytes.subarray(this.#at, end)
    this.#at = end + 1
    return line
  }
}

function line(argument: Buffer | undefined): string {
  return (argument ?? Buffer.alloc(0)).toString('utf8').replace(/\r$/, '')
}

function text(bytes: Buffer): Value {
  return bytes.length > LONGEST_NAME ? { kind: 'unknown' } : { kind: 'text', value: bytes.toString('utf8') }
}

function number(digits: string): Value {
  const value = Number(digits)
  return Number.isSafeInteger(value) ? { kind: 'number', value } : { kind: 'unknown' }
}

function longNumber(bytes: Buffer): Value {
  if (bytes.length === 0) return { kind: 'number', value: 0 }
  return bytes.length > 6 ? { kind: 'unknown' } : { kind: 'number', value: bytes.readIntLE(0, bytes.length) }
}

function memoPlace(opcode: string, argument: Buffer): number {
  return opcode === 'PUT' || opcode === 'GET'
    ? // As Python's int() reads it: 1_0 is ten.
      Number(argument.toString('latin1').replaceAll('_', ''))
    : argument.readUIntLE(0, argument.length)
}

function setItems(target: Value, items: readonly Value[]): void {
  if (target.kind !== 'dict') return
  for (let i = 0; i + 1 < items.length; i += 2) {
    const key = items[i]
    const value = items[i + 1]
    if (key?.kind === 'text' && value !== undefined && target.entries.size < 1_000) target.entries.set(key.value, value)
  }
}
