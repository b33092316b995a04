import type { Machine } from '../../bench/machine.ts'
import type { SoakResult } from './soak-job.ts'

export interface SoakSection {
  readonly title: string
  readonly explained: string
  readonly result: SoakResult
  readonly tookSeconds: number
}

export function reliabilityPage(report: { machine: Machine; seed: number; sections: readonly SoakSection[] }): string {
  const { machine, seed, sections } = report
  return `# Reliability

Written by \`npm run soak\`, and by nothing else, when every job ran in full and lost nothing. The tests kill too, at
every move of the state tables (\`tests/crash\`); this is what is too long for them.

| | |
| --- | --- |
| when | ${machine.at.slice(0, 16).replace('T', ' ')} UTC |
| machine | ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, Linux ${machine.kernel} |
| Node | ${machine.node} |
| load average at the start | ${machine.loadAverage.join(', ')} (1, 5, 15 minutes) |
| again with the same choices | \`npm run soak -- --seed ${seed}\` |

${sections.map(sectionText).join('\n')}`
}

function sectionText({ title, explained, result, tookSeconds }: SoakSection): string {
  return `## ${title}

${explained}

| what | figure |
| --- | --- |
${result.figures.map(([what, figure]) => `| ${what} | ${figure} |`).join('\n')}

It took ${Math.round(tookSeconds)} s.
`
}
