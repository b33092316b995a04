import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { refusals, refusedBecause } from './judge-names.ts'
import { scanFile } from './scan-file.ts'

const PROTO = '\x80\x04'
/** Pushes a text by SHORT_BINUNICODE. */
function text(value: string): string {
  return `\x8c${String.fromCharCode(value.length)}${value}`
}

function bytes(...parts: readonly string[]): Buffer {
  return Buffer.from(parts.join(''), 'latin1')
}

/** What is refused of a file, as `name opcode@position`. */
function refused(content: Buffer, name = 'model.pkl', allow: readonly string[] = ['sklearn', 'numpy']): string[] {
  return refusals(scanFile(content, name), allow).map(
    ({ name: global, opcode, position }) => `${global} ${opcode}@${position}`,
  )
}

const CALL = `${text('id')}\x85R.`

test('values of the language and of allowed packages pass', () => {
  const plain = bytes('(dp0\nVa\np1\nI1\ns.')
  const ordered = bytes('\x80\x02ccollections\nOrderedDict\n)R.')
  const tree = bytes(PROTO, text('sklearn.tree._classes'), text('DecisionTreeClassifier'), '\x93)\x81}b.')

  expect(refused(plain)).toEqual([])
  expect(refused(ordered)).toEqual([])
  expect(refused(tree)).toEqual([])
  expect(refused(tree, 'model.pkl', ['numpy'])).toEqual([
    'sklearn.tree._classes.DecisionTreeClassifier STACK_GLOBAL@49',
  ])
})

test.each<[string, Buffer, string]>([
  ['GLOBAL', bytes('cos\nsystem\n(S"id"\ntR.'), 'os.system GLOBAL@0'],
  ['the old name of a module', bytes('c__builtin__\neval\n(S"1"\ntR.'), '__builtin__.eval GLOBAL@0'],
  ['STACK_GLOBAL', bytes(PROTO, text('builtins'), text('eval'), `\x93${CALL}`), 'builtins.eval STACK_GLOBAL@18'],
  ['INST', bytes('(S"id"\nios\nsystem\n.'), 'os.system INST@7'],
  ['OBJ', bytes('\x80\x02(csubprocess\nPopen\nU\x02ido.'), 'subprocess.Popen GLOBAL@3'],
  [
    'NEWOBJ_EX',
    bytes(PROTO, text('subprocess'), text('Popen'), '\x93(', text('id'), 't}\x92.'),
    'subprocess.Popen STACK_GLOBAL@21',
  ],
  [
    'a name out of the memo',
    bytes(PROTO, text('os'), '\x94', text('system'), '\x9400h\x00h\x01\x93', CALL),
    'os.system STACK_GLOBAL@22',
  ],
  [
    'a memo place written twice',
    bytes(PROTO, text('numpy'), 'q\x070', text('os'), 'q\x070h\x07', text('system'), `\x93${CALL}`),
    'os.system STACK_GLOBAL@29',
  ],
  [
    'a name below values that are dropped',
    bytes(PROTO, text('os'), text('system'), '(', text('numpy'), text('dtype'), `1\x93${CALL}`),
    'os.system STACK_GLOBAL@30',
  ],
  ['a doubled name', bytes(PROTO, text('os'), `2\x93${CALL}`), 'os.os STACK_GLOBAL@7'],
  [
    'an escape in a name',
    bytes(PROTO, 'V\\u006fs\n', text('system'), `\x93${CALL}`),
    'a name put together while loading STACK_GLOBAL@19',
  ],
  [
    'a name that a call makes',
    bytes(PROTO, text('os'), text('numpy'), text('dtype'), `\x93)R\x93${CALL}`),
    'a name put together while loading STACK_GLOBAL@23',
  ],
  [
    'a module inside an allowed one',
    bytes(PROTO, text('sklearn'), text('base.os.system'), `\x93${CALL}`),
    'sklearn.base.os.system STACK_GLOBAL@27',
  ],
  ['getattr', bytes('cbuiltins\ngetattr\n(cnumpy\nload\nS"x"\ntR.'), 'builtins.getattr GLOBAL@0'],
  ['a call of what a call answered', bytes('cnumpy\ndtype\n)R)R.'), 'what numpy.dtype answered REDUCE@16'],
  ['a registered extension', bytes('\x80\x02\x82\x05)R.'), 'extension 5 EXT1@2'],
  [
    'a known gadget of an allowed package',
    bytes('cnumpy.testing._private.utils\nrunstring\n(S"1"\n}tR.'),
    'numpy.testing._private.utils.runstring GLOBAL@0',
  ],
  ['a dunder', bytes('csklearn\nDecisionTree.__class__\n.'), 'sklearn.DecisionTree.__class__ GLOBAL@0'],
  ['code before the file is broken', bytes('cos\nsystem\n(S"id"\ntR\xff'), 'os.system GLOBAL@0'],
  ['a second pickle after the first', bytes('\x80\x02N.', '\x80\x02cos\nsystem\n.'), 'os.system GLOBAL@6'],
])('%s is refused with its place', (_, content, told) => {
  expect(refused(content)).toContain(told)
})

test('what is named otherwise, packed or in a zip is looked into all the same', () => {
  const evil = bytes('\x80\x02cos\nsystem\nU\x02id\x85R.')
  const textual = bytes('cos\nsystem\n(S"id"\ntR.')

  expect(refused(textual, 'notes.txt')).toEqual(['os.system GLOBAL@0'])
  expect(refused(gzipSync(evil), 'weights.bin')).toEqual(['os.system GLOBAL@2'])
  expect(refused(deflateSync(gzipSync(evil)), 'a')).toEqual(['os.system GLOBAL@2'])
  expect(refused(zip({ 'archive/data.pkl': evil, 'archive/version': Buffer.from('3') }), 'm.pt')).toEqual([
    'os.system GLOBAL@2',
  ])
  expect(refusals(scanFile(zip({ 'archive/data.pkl': evil }), 'm.pt'), []).map(({ place }) => place)).toEqual([
    'm.pt: archive/data.pkl',
  ])
})

test('a file that says it is a pickle and cannot be followed is refused, and text is no pickle', () => {
  expect(refused(bytes('\x80\x04\x8c'), 'x.bin')).toEqual(['the rest of the file @0'])
  expect(refused(Buffer.from('BZh91AY'), 'x.joblib')).toEqual(['the rest of the file @0'])
  expect(refused(zip({ 'a.pkl': bytes('\x80\x02N.') }).subarray(0, 30), 'x.pt')).toEqual(['the rest of the file @0'])
  for (const source of [
    'import os\nos.system("id")\n',
    '{"a": [1, 2]}',
    'a,b\n1,2\n',
    '',
    '# card',
    '(a)\n',
    'N.',
    'I1\n.',
  ]) {
    expect(scanFile(Buffer.from(source), 'src/model.py'), source).toEqual([])
  }
})

const EVIL = bytes('\x80\x02cos\nsystem\nU\x02id\x85R.')

test.each([
  ["'|O'"],
  ["'O'"],
  ["'object'"],
  [String.raw`'\x4f'`],
  ["'f8,O'"],
  ["[('a', '<f8'), ('b', '|O')]"],
  ["[('a', [('b', 'object')])]"],
])('an array of objects is a pickle, also with the type %s', (type) => {
  expect(refused(array(type, EVIL), 'numbers.npy')).toEqual(['os.system GLOBAL@130'])
})

test.each([
  ["'<f8'", 8],
  ["'|b1'", 1],
  ["'<M8[ns]'", 8],
  ["'<U12'", 48],
  ["[('a', '<f8'), (\"it's\", '<i4', (2, 3))]", 32],
])('an array of the type %s holds no pickle, and whatever comes after its %i bytes is looked into', (type, size) => {
  const plain = array(type, Buffer.alloc(size, 0x80))
  const after = (...more: Buffer[]) => refused(Buffer.concat([plain, ...more]), 'numbers.npy')

  expect(after()).toEqual([])
  expect(after(plain, Buffer.alloc(64))).toEqual([])
  expect(after(array("'|O'", EVIL))).toEqual([`os.system GLOBAL@${128 + size + 130}`])
  expect(after(EVIL)).toEqual(['os.system GLOBAL@2'])
  expect(after(plain, Buffer.alloc(64), EVIL)).toEqual(['os.system GLOBAL@2'])
  expect(after(zip({ 'data.pkl': EVIL }))).toEqual(['os.system GLOBAL@2'])
})

test('an array that is cut off, says no size, or is followed by nobody knows what is refused with the reason', () => {
  const whys = (content: Buffer) => scanFile(content, 'numbers.npy').map(({ place, trouble }) => `${place}: ${trouble}`)
  const plain = array("'<f8'", Buffer.alloc(8))

  expect(whys(plain.subarray(0, 130))).toEqual(['numbers.npy: it is an array that is cut off'])
  expect(whys(array("'f'", Buffer.alloc(8)))).toEqual(['numbers.npy: it is an array that does not say how large it is'])
  expect(whys(Buffer.concat([plain, Buffer.from('hello')]))).toEqual([
    'numbers.npy: after its array: 5 bytes are neither an array nor a pickle',
  ])
})

test('a tar is looked into, packed too, and a broken one is refused', () => {
  const tarred = tar({ 'notes.txt': Buffer.from('hello'), 'deep/data.pkl': EVIL })

  expect(refused(tarred, 'model.tar')).toEqual(['os.system GLOBAL@2'])
  expect(refused(gzipSync(tarred), 'model.tgz')).toEqual(['os.system GLOBAL@2'])
  expect(refused(tarred.subarray(0, 1100), 'model.tar')).toEqual(['the rest of the file @0'])
  expect(scanFile(tar({ 'notes.txt': Buffer.from('hello') }), 'model.tar')).toEqual([])
})

test('padding that is longer than we follow hides nothing, whatever the name', () => {
  const call = bytes('cos\nsystem\n(S"id"\ntR.')

  expect(refused(Buffer.concat([Buffer.alloc(4_000_001, 'N'), call]), 'weights.dat')).toEqual([
    'the rest of the file @0',
  ])
}, 60_000)

test('a place in the memo is read as Python reads it', () => {
  expect(refused(bytes('Vos\np1_0\n0h\x0aVsystem\n\x93(S"id"\ntR.'), 'weights.dat')).toEqual([
    'os.system STACK_GLOBAL@20',
  ])
})

test('what makes a random generator, or a class of Cython, is its package’s own', () => {
  expect(refusedBecause('numpy.random._pickle.__randomstate_ctor', ['numpy'])).toBeUndefined()
  expect(refusedBecause('sklearn._loss._loss.__pyx_unpickle_CyHalfSquaredError', ['sklearn'])).toBeUndefined()
  expect(refusedBecause('numpy.random._pickle.__randomstate_ctor', ['sklearn'])).toBe('numpy is not allowed')
  for (const name of ['numpy.__builtins__', 'sklearn.base.__loader__.x', 'sklearn.Tree.__class__', '__main__.Model'])
    expect(refusedBecause(name, ['numpy', 'sklearn', '__main__']), name).toContain('reaches into the interpreter')
})

test('a module that runs programs cannot be allowed', () => {
  expect(refusedBecause('os.system', ['os'])).toBe('os runs other programs or code')
  expect(refusedBecause('builtins.eval', ['builtins'])).toBe('builtins runs other programs or code')
  expect(refusedBecause('joblib.load', ['joblib'])).toBe('load runs code, or reaches what does')
  expect(refusedBecause('mine.Model', ['mine'])).toBeUndefined()
  expect(refusedBecause('minefield.Model', ['mine'])).toBe('minefield is not allowed')
})

test('whatever the bytes, the end is reached', () => {
  const opcodes = Array.from(
    '(.012FIJKLMNPQRSTUVX}]ablcdegijlopqrstu)GBC\x80\x81\x82\x85\x88\x8a\x8b\x8c\x8d\x8e\x93\x94\x95\x96\x97\n',
    (letter) => letter.charCodeAt(0),
  )
  const likely = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...opcodes) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
  )
  const content = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.array(likely, { maxLength: 300 }))
  const head = fc.constantFrom('', '\x80\x04', 'PK\x03\x04', '\x93NUMPY\x01\x00', '\x1f\x8b', '\x78\x9c', 'PK\x05\x06')
  fc.assert(
    fc.property(head, content, (start, rest) => {
      const found = scanFile(Buffer.concat([Buffer.from(start, 'latin1'), Buffer.from(rest)]), 'model.pkl')
      expect(found.length).toBeLessThan(400)
    }),
    { numRuns: 500 },
  )
})

/** As `numpy.save` writes it. */
function array(type: string, content: Buffer): Buffer {
  const header = `{'descr': ${type}, 'fortran_order': False, 'shape': (1,), }`.padEnd(117)
  return Buffer.concat([bytes('\x93NUMPY\x01\x00', '\x76\x00', header, '\n'), content])
}

function tar(files: Readonly<Record<string, Buffer>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write(content.length.toString(8).padStart(11, '0'), 124)
    header.write('        ', 148)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

/** A zip of deflated entries. */
function zip(files: Readonly<Record<string, Buffer>>): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let at = 0
  for (const [name, content] of Object.entries(files)) {
    const packed = deflateRawSync(content)
    const local = Buffer.alloc(30 + name.length)
    local.write('PK\x03\x04', 'latin1')
    local.writeUInt16LE(8, 8)
    local.writeUInt16LE(name.length, 26)
    local.write(name, 30)
    const entry = Buffer.alloc(46 + name.length)
    entry.write('PK\x01\x02', 'latin1')
    entry.writeUInt16LE(8, 10)
    entry.writeUInt32LE(packed.length, 20)
    entry.writeUInt32LE(content.length, 24)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt32LE(at, 42)
    entry.write(name, 46)
    locals.push(local, packed)
    central.push(entry)
    at += local.length + packed.length
  }
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(central.length, 10)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...locals, ...central, end])
}
