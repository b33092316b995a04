import { expect, test } from 'vitest'
import { lintPipeline } from './lint.ts'

test.each([
  ['  a:\n    run: echo ${{ brnch }}', '3:19'],
  ['  a:\n    run: "echo ${{ brnch }}"', '3:20'],
  ["  a: { run: 'echo ${{ brnch }}' }", '2:23'],
  ['  a:\n    run: |\n      echo 1\n\n        echo ${{ brnch }}\n      echo 2', '6:18'],
  ['  a:\n    run: |2-  # strip\n        echo ${{ brnch }}', '4:18'],
  ['  a:\n    run: |\r\n      echo 1\r\n      echo ${{ brnch }}\r', '5:16'],
  ['  a:\n    run: >\n      echo 1\n      echo ${{ brnch }}', '5:16'],
  ['  a:\n    run: >-\r\n      echo 1\r\n      echo ${{ brnch }}\r', '5:16'],
  ['  a:\n    run: "echo \\t \\"${{ brnch }}\\""', '3:25'],
  ["  a:\n    run: 'echo ''${{ brnch }}'''", '3:22'],
  ['  a:\n    run: echo 1\n      echo ${{ brnch }}', '4:16'],
  ['  a:\n    run: "echo 1\n      echo ${{ brnch }}"', '4:16'],
  // A blank line among folded ones, and rare escapes: the value's start.
  ['  a:\n    run: >\n      echo 1\n\n      echo ${{ brnch }}', '3:10'],
  ['  a:\n    run: "echo \\x41 ${{ brnch }}"', '3:10'],
  ['  a:\n    run: echo ${{ event == "pish" }}', '3:28'],
  ['  a:\n    run: echo ${{ branch == }}', '3:29'],
  ["  a:\n    if: brnch == 'main'\n    run: x", '3:9'],
  ["  a:\n    if: event == 'push' && branch == 'main'\n    run: x", '3:25'],
  ["  a: { if: \"${{ branch == 'main' or steps.b.outcome == 'failed' }}\", run: x }", '2:37'],
  ["  a:\n    if: 'branch == ''main'' and matrix.b'\n    run: x", '3:33'],
  ["  a:\n    if: >-\n      branch == 'main'\n      and not params.x and brnch\n    run: x", '5:28'],
])('an expression is placed where it stands in %j', (steps, place) => {
  const problems = lintPipeline(`steps:\n${steps}\n`).filter(({ severity }) => severity === 'error')

  expect(problems.map(({ line, column }) => `${line}:${column}`)).toEqual([place])
})
