/** What follows an opcode in the stream: so many bytes, lines of text, or a length and as many bytes. */
type Argument =
  | { readonly kind: 'bytes'; readonly size: number }
  | { readonly kind: 'lines'; readonly count: number }
  | { readonly kind: 'counted'; readonly lengthSize: 1 | 4 | 8 }

export interface Opcode {
  readonly name: string
  readonly argument?: Argument
}

function bytes(name: string, size: number): Opcode {
  return { name, argument: { kind: 'bytes', size } }
}

function lines(name: string, count = 1): Opcode {
  return { name, argument: { kind: 'lines', count } }
}

function counted(name: string, lengthSize: 1 | 4 | 8): Opcode {
  return { name, argument: { kind: 'counted', lengthSize } }
}

function bare(name: string): Opcode {
  return { name }
}

/** Every opcode of the protocols 0 to 5, by its byte. */
export const OPCODES: ReadonlyMap<number, Opcode> = new Map(
  Object.entries({
    '(': bare('MARK'),
    '.': bare('STOP'),
    '0': bare('POP'),
    '1': bare('POP_MARK'),
    '2': bare('DUP'),
    F: lines('FLOAT'),
    I: lines('INT'),
    J: bytes('BININT', 4),
    K: bytes('BININT1', 1),
    L: lines('LONG'),
    M: bytes('BININT2', 2),
    N: bare('NONE'),
    P: lines('PERSID'),
    Q: bare('BINPERSID'),
    R: bare('REDUCE'),
    S: lines('STRING'),
    T: counted('BINSTRING', 4),
    U: counted('SHORT_BINSTRING', 1),
    V: lines('UNICODE'),
    X: counted('BINUNICODE', 4),
    a: bare('APPEND'),
    b: bare('BUILD'),
    c: lines('GLOBAL', 2),
    d: bare('DICT'),
    '}': bare('EMPTY_DICT'),
    e: bare('APPENDS'),
    g: lines('GET'),
    h: bytes('BINGET', 1),
    i: lines('INST', 2),
    j: bytes('LONG_BINGET', 4),
    l: bare('LIST'),
    ']': bare('EMPTY_LIST'),
    o: bare('OBJ'),
    p: lines('PUT'),
    q: bytes('BINPUT', 1),
    r: bytes('LONG_BINPUT', 4),
    s: bare('SETITEM'),
    t: bare('TUPLE'),
    ')': bare('EMPTY_TUPLE'),
    u: bare('SETITEMS'),
    G: bytes('BINFLOAT', 8),
    B: counted('BINBYTES', 4),
    C: counted('SHORT_BINBYTES', 1),
    '\x80': bytes('PROTO', 1),
    '\x81': bare('NEWOBJ'),
    '\x82': bytes('EXT1', 1),
    '\x83': bytes('EXT2', 2),
    '\x84': bytes('EXT4', 4),
    '\x85': bare('TUPLE1'),
    '\x86': bare('TUPLE2'),
    '\x87': bare('TUPLE3'),
    '\x88': bare('NEWTRUE'),
    '\x89': bare('NEWFALSE'),
    '\x8a': counted('LONG1', 1),
    '\x8b': counted('LONG4', 4),
    '\x8c': counted('SHORT_BINUNICODE', 1),
    '\x8d': counted('BINUNICODE8', 8),
    '\x8e': counted('BINBYTES8', 8),
    '\x8f': bare('EMPTY_SET'),
    '\x90': bare('ADDITEMS'),
    '\x91': bare('FROZENSET'),
    '\x92': bare('NEWOBJ_EX'),
    '\x93': bare('STACK_GLOBAL'),
    '\x94': bare('MEMOIZE'),
    '\x95': bytes('FRAME', 8),
    '\x96': counted('BYTEARRAY8', 8),
    '\x97': bare('NEXT_BUFFER'),
    '\x98': bare('READONLY_BUFFER'),
  }).map(([letter, opcode]) => [letter.charCodeAt(0), opcode]),
)
