import { expect, test } from 'vitest'
import { parseDummyScript } from './dummy-script.ts'

test('every directive is understood', () => {
  const run = '# comment\nprint hello world\nsleep 50\nout a/b.txt some text\nfirst 1 exit 3\nlost\nout-of-memory'

  expect(parseDummyScript(run)).toEqual([
    { kind: 'print', text: 'hello world' },
    { kind: 'sleep', ms: 50 },
    { kind: 'out', path: 'a/b.txt', content: 'some text' },
    { kind: 'first', times: 1, directive: { kind: 'exit', code: 3 } },
    { kind: 'lost' },
    { kind: 'out-of-memory' },
  ])
})

test('a directive nobody knows, or without its number, is refused', () => {
  expect(() => parseDummyScript('python train.py')).toThrow('does not know "python train.py"')
  expect(() => parseDummyScript('exit')).toThrow('needs a whole number')
})
