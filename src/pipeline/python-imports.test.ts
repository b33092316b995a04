import { expect, test } from 'vitest'
import { pythonImports } from './python-imports.ts'

function read(text: string): string[] {
  return pythonImports(text).map(({ module, level, names, line, column }) => {
    const from = `${'.'.repeat(level)}${module}`
    return `${line}:${column} ${from}${names.length === 0 ? '' : ` (${names.join(' ')})`}`
  })
}

test('every form of import is read with its place', () => {
  const text = [
    'import os, pkg.mod as m',
    'from a.b import (c,  # why',
    '    d as e,)',
    'from . import near',
    'from ..up import x; import after',
    'def f():',
    '    from late import y',
    'import long, \\',
    '   longer',
  ].join('\n')

  expect(read(text)).toEqual([
    '1:1 os',
    '1:1 pkg.mod',
    '2:1 a.b (c d)',
    '4:1 . (near)',
    '5:1 ..up (x)',
    '5:21 after',
    '7:5 late (y)',
    '8:1 long',
    '8:1 longer',
  ])
})

test('what only looks like an import is not one', () => {
  const text = [
    '"""',
    'import doc',
    '"""',
    "x = '''",
    "import text '''",
    '# import comment',
    'print("import quoted", \'from a import b\')',
    'important = 1',
    'x = [',
    'import_me,',
    ']',
    's = r"\\"',
    'raise ImportError from error',
    'yield from other',
  ].join('\n')

  expect(read(text)).toEqual([])
})

test('imports that may be missing are left out, and those after them are not', () => {
  const text = [
    'try:',
    '    import fast',
    'except ImportError:',
    '    import slow',
    'if TYPE_CHECKING:',
    '    from kinds import Kind',
    'import needed',
  ].join('\n')

  expect(read(text)).toEqual(['4:5 slow', '7:1 needed'])
})

test('broken and hostile texts end, and quickly', () => {
  for (const text of [
    '"""',
    "'",
    '('.repeat(50_000),
    '"\\'.repeat(50_000),
    'import ' + 'a.'.repeat(50_000),
    '\\\n'.repeat(50_000),
    'from ' + '.'.repeat(50_000),
  ])
    expect(pythonImports(text)).toBeInstanceOf(Array)
})
