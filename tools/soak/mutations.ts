import * as fc from 'fast-check'
import { badAnswer, brokenBytes, brokenTrees, realFiles } from '../../tests/pipeline/mutate.ts'
import type { SoakJob } from './soak-job.ts'

/** For the page; of each kind half. */
const FILES = 100_000
/** One that takes longer could hold up a server that plans for others. */
const LONGEST_MS = 2_000

export const soakMutations: SoakJob = {
  name: 'mutations',
  title: 'Broken pipeline files',
  explained: `Pipeline files of the tests and examples are broken at random: bytes are removed, inserted and copied,
and parts of one file are put where others were in another. Each is read, checked, planned for a commit and linted.
It must be refused with problems at places inside the text, or everything done with it must work: steps have keys of
their own, needs lead somewhere, the plan is plain JSON. A crash, another answer, or more than two seconds is a loss.`,
  async run({ seed, say }) {
    const losses: string[] = []
    let longestMs = 0
    for (const [kind, broken] of [
      ['bytes', brokenBytes],
      ['parts', brokenTrees],
    ] as const) {
      for (const [index, text] of fc.sample(broken(realFiles()), { numRuns: FILES / 2, seed }).entries()) {
        const began = performance.now()
        const bad = answerTo(text)
        const ms = performance.now() - began
        longestMs = Math.max(longestMs, ms)
        if (bad !== undefined) losses.push(`broken ${kind} ${index}: ${bad}`)
        if (ms > LONGEST_MS) losses.push(`broken ${kind} ${index}: it took ${Math.round(ms)} ms`)
        if (index % 10_000 === 0) say(`  broken ${kind}: ${index} of ${FILES / 2}`)
      }
    }
    const figures = [
      ['files', String(FILES)],
      ['the slowest took', `${Math.round(longestMs)} ms`],
      ['losses', String(losses.length)],
    ] as const
    return { figures, losses: losses.slice(0, 50), isFull: true }
  },
}

function answerTo(text: string): string | undefined {
  try {
    return badAnswer(text)
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}
