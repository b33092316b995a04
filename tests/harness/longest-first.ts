import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Those that take more than a minute, the longest first. */
const LONGEST = [
  'tests/crash/points.test.ts',
  'tests/evaluation/python-models.test.ts',
  'tests/crash/deliveries.test.ts',
  'tests/build/computed-requirements.test.ts',
  'tests/cli/run.test.ts',
  'tests/examples/digits.test.ts',
  'tests/source/monorepo.test.ts',
  'tests/browser/page.test.ts',
  'tests/stages/8-monitoring.test.ts',
  'tests/demo/story.test.ts',
]

/**
 * In a clean clone nobody knows how long a file takes, and the largest go first: a small one of five minutes would begin last,
 * and one worker wait for the other.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(name))
      return found === -1 ? LONGEST.length : found
    }
    return sorted.toSorted((a, b) => place(a) - place(b))
  }
}
