import { expect, test } from 'vitest'
import { holdToHashes } from './hold-to-hashes.ts'
import { readRequirementFile } from './requirement-files.ts'

const LOCK = `alpha==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
beta==2.0 ; python_version < "3.12" \\
    --hash=sha256:cc
`

const requirementsOf = (text: string) => readRequirementFile('requirements.txt', text).requirements

test('a lock without hashes to hold it to stays as it is', () => {
  expect(holdToHashes(LOCK, requirementsOf('alpha\nbeta\n'))).toBe(LOCK)
})

test('of a package with hashes only these are kept', () => {
  const asked = requirementsOf('Alpha==1.0 \\\n  --hash=sha256:bb \\\n  --hash=sha256:dd\nbeta\n')

  expect(holdToHashes(LOCK, asked)).toBe(LOCK.replace('--hash=sha256:aa \\\n    ', ''))
})

test('where the index has another file, the line that names the hash is told', () => {
  expect(() => holdToHashes(LOCK, requirementsOf('alpha\nbeta==2.0 --hash=sha256:00\n'))).toThrow(
    /^requirements\.txt:2: no file of beta==2\.0 ; python_version < "3\.12" that the index has/,
  )
})

test('a hash of another kind is left to the installation to compare', () => {
  expect(holdToHashes(LOCK, requirementsOf('beta==2.0 --hash=sha512:ee\n'))).toContain(
    'beta==2.0 ; python_version < "3.12" \\\n    --hash=sha512:ee\n',
  )
})
