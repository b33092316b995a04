import type { StageStatus } from '../../../api/runs.ts'

const COLOURS = process.stdout.isTTY && process.env['NO_COLOR'] === undefined
const paint = (code: number, text: string): string => (COLOURS ? `\u001b[${code}m${text}\u001b[0m` : text)

const MARKS: Record<StageStatus['state'], string> = {
  none: ' ',
  waiting: '…',
  running: '▶',
  'needs-person': '?',
  succeeded: '✓',
  failed: '✗',
  skipped: '-',
}

/** The demo's terminal: what a person does, and what the API answered. */
export const say = {
  /** What happens next, in one line. */
  chapter(number: number, title: string): void {
    console.log(`\n${paint(1, `${number}. ${title}`)}`)
  },
  command(person: string, words: readonly string[]): void {
    console.log(
      `${paint(2, `${person} $`)} ${words.map((word) => (/\s|\*/.test(word) ? `'${word}'` : word)).join(' ')}`,
    )
  },
  line(text: string): void {
    console.log(`  ${text}`)
  },
  stage(stage: StageStatus): void {
    const colour =
      stage.state === 'failed' ? 31 : stage.state === 'succeeded' ? 32 : stage.state === 'needs-person' ? 33 : 36
    const took = stage.seconds === null ? '' : `${stage.seconds.toFixed(1)} s`
    console.log(
      `  ${paint(colour, MARKS[stage.state])} ${stage.number} ${stage.title.padEnd(24)} ${took.padStart(8)}  ${stage.summary}`,
    )
  },
}
