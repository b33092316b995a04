import { expect, test } from 'vitest'
import { lintPipeline } from './lint.ts'

test.each([
  ['  a:\n    run: echo ${{ brnch }}', '3:15'],
  ['  a:\n    run: "echo ${{ brnch }}"', '3:16'],
  ["  a: { run: 'echo ${{ brnch }}' }", '2:19'],
  ['  a:\n    run: |\n      echo 1\n\n        echo ${{ brnch }}\n      echo 2', '6:14'],
  ['  a:\n    run: |2-  # strip\n        echo ${{ brnch }}', '4:14'],
  ['  a:\n    run: |\r\n      echo 1\r\n      echo ${{ brnch }}\r', '5:12'],
  // Folded, and with escapes: the value's start.
  ['  a:\n    run: >\n      echo 1\n      echo ${{ brnch }}', '3:10'],
  ['  a:\n    run: "echo \\t ${{ brnch }}"', '3:10'],
  ['  a:\n    run: echo 1\n      echo ${{ brnch }}', '3:10'],
])('an expression is placed where it stands in %j', (steps, place) => {
  const problems = lintPipeline(`steps:\n${steps}\n`).filter(({ severity }) => severity === 'error')

  expect(problems.map(({ line, column }) => `${line}:${column}`)).toEqual([place])
})
