import { join } from 'node:path'
import { expect, test } from 'vitest'
import { caseNames, CASES, lintCase } from './read-case.ts'

test.each(caseNames())('the problems of %s are named where they stand', async (name) => {
  const problems = lintCase(name)

  await expect(problems).toMatchFileSnapshot(join(CASES, `${name}.txt`))
})
