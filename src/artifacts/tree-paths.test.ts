import * as fc from 'fast-check'
import { posix } from 'node:path'
import { expect, test } from 'vitest'
import { isAppError } from '../core/errors.ts'
import { checkTreeFiles, linkStaysInside, parseTree, pathProblem } from './tree-paths.ts'
import { sha256 } from '../lib/sha256.ts'
import type { TreeFile } from '../core/tree.ts'

function file(path: string): TreeFile {
  return { path, digest: sha256(path), size: 1, executable: false }
}

test.each([
  ['', 'empty'],
  ['/etc/passwd', 'absolute'],
  ['a/../../b', '".."'],
  ['a//b', 'empty part'],
  ['a/', 'empty part'],
  ['./a', '"."'],
  ['a\0b', 'NUL'],
])('the path %j is refused', (path, why) => {
  expect(pathProblem(path)).toContain(why)
})

test('an accepted path never leaves its folder', () => {
  const part = fc.constantFrom('..', '.', '', 'a', 'b c', '...', 'ü')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const path = parts.join('/')
      if (pathProblem(path) === undefined) expect(posix.join('/root/', path).startsWith('/root/')).toBe(true)
    }),
  )
})

test('a tree with a file below another file is refused, because that file may be a link', () => {
  expect(() => checkTreeFiles([file('data'), file('data/x')])).toThrow('"data" is not a folder')
  expect(() => checkTreeFiles([file('a/b'), file('a/b/c/d')])).toThrow('"a/b" is not a folder')
})

test('a path that is there twice is refused', () => {
  expect(() => checkTreeFiles([file('a'), file('a')])).toThrow('twice')
})

test('a link inside its folder is told from one that leads out', () => {
  expect(linkStaysInside('snapshots/1/model', '../../blobs/abc')).toBe(true)
  expect(linkStaysInside('latest', 'v1')).toBe(true)
  expect(linkStaysInside('latest', '..')).toBe(false)
  expect(linkStaysInside('a/b', '../../x')).toBe(false)
  expect(linkStaysInside('a', '/etc/passwd')).toBe(false)
})

test('whatever a tree says, what gets through stays below one folder', () => {
  const path = fc.oneof(fc.string(), fc.constantFrom('a', 'a/b', '../a', '/a', 'a/../..', 'a//b', '.'))
  const file = fc.record(
    { path, digest: fc.constant(sha256('')), size: fc.nat(), symlink: fc.boolean() },
    { requiredKeys: [] },
  )
  const tree = fc.oneof(
    fc.jsonValue(),
    fc.record({ kind: fc.constant('tree'), files: fc.array(file, { maxLength: 3 }) }),
  )
  fc.assert(
    fc.property(tree, (value) => {
      for (const { path } of filesIfTree(JSON.stringify(value)))
        expect(posix.join('/root/', path).startsWith('/root/')).toBe(true)
    }),
  )
})

function filesIfTree(text: string): readonly TreeFile[] {
  try {
    return parseTree(text).files
  } catch (error) {
    if (isAppError(error)) return []
    throw error
  }
}

test('content that is not a tree is refused', () => {
  expect(() => parseTree('{"kind":"file"}')).toThrow('not a tree')
  expect(() => parseTree('{"kind":"tree","files":[{"path":"a"}]}')).toThrow('without path, digest or size')
})
