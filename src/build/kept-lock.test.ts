import { expect, test } from 'vitest'
import { lockFile } from './kept-lock.ts'

const RESOLVED = {
  requirements: { files: ['requirements.txt'], digests: { 'requirements.txt': 'sha256:1' } },
  python: { version: '3.12.1', platform: 'linux-x86_64' },
  installer: { index: {} },
}

test('a lock that was resolved by older rules is not taken for the same files', () => {
  expect(lockFile('/data', RESOLVED)).toBe(lockFile('/data', structuredClone(RESOLVED)))
  expect(lockFile('/data', RESOLVED, 1)).not.toBe(lockFile('/data', RESOLVED, 2))
})

test('another file, Python or index has a lock of its own', () => {
  const others = [
    { ...RESOLVED, requirements: { ...RESOLVED.requirements, digests: { 'requirements.txt': 'sha256:2' } } },
    { ...RESOLVED, python: { ...RESOLVED.python, version: '3.13.0' } },
    { ...RESOLVED, installer: { index: { url: 'https://index.test' } } },
  ]

  expect(new Set([RESOLVED, ...others].map((each) => lockFile('/data', each))).size).toBe(4)
})
