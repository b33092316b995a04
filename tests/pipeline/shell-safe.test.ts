import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shellSafe } from '../../src/pipeline/shell-safe.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidegate-shell-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const NASTY = ['$(touch x)', '`touch x`', '"; touch x; "', "'; touch x; '", '$HOME', 'a  b\\n', '*', '-n', 'é"\'$`\\']

const PLACES = [
  "printf '%s' ${{ branch }}",
  'printf \'%s\' "${{ branch }}"',
  "printf '%s' '${{ branch }}'",
  "printf '%s' \"$(printf '%s' ${{ branch }})\"",
  "printf '%s' \"`printf '%s' ${{ branch }}`\"",
  "# it's a comment\nprintf '%s' ${{ branch }}",
  'printf \'%s\' "${NOTHING:-${{ branch }}}"',
  'x=${{ branch }}\nprintf \'%s\' "$x"',
  "cat <<EOF | tr -d '\\n'\n${{ branch }}\nEOF",
]

for (const shell of ['sh', 'bash']) {
  test.each(PLACES)(`in ${shell}, whatever a branch is called, %j prints its name and runs nothing`, (run) => {
    for (const branch of NASTY) {
      const safe = shellSafe(run, { branch, event: 'push' })

      const env = { PATH: process.env['PATH'], HOME: folder, ...safe.env }
      const { stdout, stderr } = spawnSync(shell, ['-e', '-c', safe.run], { cwd: folder, env, encoding: 'utf8' })

      expect({ stdout, stderr }).toEqual({ stdout: branch, stderr: '' })
      expect(readdirSync(folder)).toEqual([])
    }
  })
}
