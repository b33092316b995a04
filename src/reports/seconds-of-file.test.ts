import { expect, test } from 'vitest'
import { secondsOf } from './seconds-of-file.ts'

test('a file’s time is that of the tests that name it, else of its module and the classes in it', () => {
  const seconds = secondsOf([
    { suite: 'tests.test_a', file: '', seconds: 1 },
    { suite: 'tests.test_a.TestOne', file: '', seconds: 2 },
    { suite: 'tests.test_ab', file: '', seconds: 50 },
    { suite: 'tests.test_c.TestTwo', file: 'tests/test_c.py', seconds: 4 },
    { suite: 'tests.test_c.TestThree', file: 'tests/test_c.py', seconds: 5 },
    { suite: 'sum adds', file: 'src/sum.test.js', seconds: 0 },
  ])

  expect(['tests/test_a.py', 'tests/test_c.py', 'src/sum.test.js', 'tests/new.py'].map(seconds)).toEqual([
    3,
    9,
    0,
    undefined,
  ])
})
