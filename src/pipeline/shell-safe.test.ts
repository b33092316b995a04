import { expect, test } from 'vitest'
import { shellProblems, shellSafe } from './shell-safe.ts'

const CONTEXT = { branch: 'b', event: 'push', matrix: { seed: 3 } }

test.each([
  ['echo ${{ branch }}', 'echo "$TIDEGATE_EXPR_1"'],
  ['echo "on ${{ branch }}!"', 'echo "on ${TIDEGATE_EXPR_1}!"'],
  ["echo 'on ${{ branch }}!'", `echo 'on '"$TIDEGATE_EXPR_1"'!'`],
  ["# it's\necho ${{ branch }}", `# it's\necho "$TIDEGATE_EXPR_1"`],
  ["echo a#b' ${{ branch }}'", `echo a#b' '"$TIDEGATE_EXPR_1"''`],
  ["echo \\' ${{ branch }}", `echo \\' "$TIDEGATE_EXPR_1"`],
  ['echo "$(ls ${{ branch }})"', 'echo "$(ls "$TIDEGATE_EXPR_1")"'],
  ['echo "`ls ${{ branch }}`"', 'echo "`ls "$TIDEGATE_EXPR_1"`"'],
  ['echo "it\'s ${{ branch }}"', 'echo "it\'s ${TIDEGATE_EXPR_1}"'],
  ['echo ${x:-${{ branch }}}', 'echo ${x:-"$TIDEGATE_EXPR_1"}'],
  ['echo "${x:-${{ branch }}}"', 'echo "${x:-${TIDEGATE_EXPR_1}}"'],
  [
    'cat <<EOF\n"${{ branch }}"\nEOF\necho ${{ branch }}',
    'cat <<EOF\n"${TIDEGATE_EXPR_1}"\nEOF\necho "$TIDEGATE_EXPR_1"',
  ],
  ["cat <<-EOF\n\tit's\n\tEOF\necho ${{ branch }}", 'cat <<-EOF\n\tit\'s\n\tEOF\necho "$TIDEGATE_EXPR_1"'],
  ['echo $((1 + (2))) ${{ branch }}', 'echo $((1 + (2))) "$TIDEGATE_EXPR_1"'],
  ['(cd x; echo "$(a (b) )") ${{ branch }}', '(cd x; echo "$(a (b) )") "$TIDEGATE_EXPR_1"'],
])('%j becomes %j', (run, safe) => {
  expect(shellSafe(run, CONTEXT).run).toBe(safe)
  expect(shellProblems(run)).toEqual([])
})

test('each expression is one variable, however often it stands there', () => {
  const { run, env } = shellSafe('x ${{ branch }} ${{ matrix.seed }} ${{branch}} ${{ tag }}', CONTEXT)

  expect(run).toBe('x "$TIDEGATE_EXPR_1" "$TIDEGATE_EXPR_2" "$TIDEGATE_EXPR_1" "$TIDEGATE_EXPR_3"')
  expect(env).toEqual({ TIDEGATE_EXPR_1: 'b', TIDEGATE_EXPR_2: '3', TIDEGATE_EXPR_3: '' })
})

test.each([
  ['echo $((${{ matrix.seed }} + 1))', 'stands inside $(( ))'],
  ["cat <<'EOF'\n${{ branch }}\nEOF", 'stands in a here-document whose word is quoted'],
  ['echo \\${{ branch }}', 'follows a backslash'],
])('%j cannot be replaced, and says so', (run, reason) => {
  const [problem, ...more] = shellProblems(run).map(({ message }) => message)

  expect(problem).toContain(reason)
  expect(problem).toContain('`env`')
  expect(more).toEqual([])
})
