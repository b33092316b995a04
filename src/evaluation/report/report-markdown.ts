import type { EvaluationResult, ModelMeasures } from '../evaluation-result.ts'
import { escapeMarkdown as e, short } from './markup.ts'
import {
  howToReproduce,
  provedBy,
  showCount,
  showNumber,
  showRange,
  verdictOf,
  type ReportFacts,
} from './report-facts.ts'

/** The same as the page, for terminals, commits and pull requests. */
export function reportMarkdown(facts: ReportFacts): string {
  const { run, gates, evaluation, candidate } = facts
  const parts = [
    `# ${e(run.id)}: ${verdictOf(gates)}`,
    `${e(short(run.title))}\n\n${e(`${run.commit.slice(0, 12)} on ${run.branch}, by ${run.person}`)}`,
    `## What was proved\n\n${provedBy(facts)
      .map((sentence) => `- ${e(sentence)}`)
      .join('\n')}`,
    ...(gates.length === 0
      ? []
      : [
          `## Gates\n\n${table(
            ['gate', 'outcome', 'what'],
            gates.map(({ title, outcome, summary, waiver }) => [
              title,
              waiver === undefined ? outcome : `${outcome}, waived by ${waiver.person}`,
              short(summary, 500),
            ]),
          )}`,
        ]),
    ...(evaluation === undefined ? [] : evaluated(evaluation)),
    `## Where it comes from\n\n${table(
      ['what', 'is'],
      [
        ['commit', run.commit],
        ...(candidate === undefined ? [] : [['bundle', candidate.bundle]]),
        ...(run.lock === undefined ? [] : [['environment lock', `${run.lock.digest} (Python ${run.lock.python})`]]),
        ['tests', `${run.tests.passed} passed, ${run.tests.failed} failed, ${run.tests.skipped} skipped`],
        ...run.datasets.map(({ path, digest }) => [`data: ${path}`, digest]),
      ],
    )}`,
    `## How to do it again\n\n\`\`\`sh\n${howToReproduce(facts).join('\n').replaceAll('`', '')}\n\`\`\``,
  ]
  return `${parts.join('\n\n')}\n`
}

function evaluated({ candidate, champion, slices, evidence, notes }: EvaluationResult): string[] {
  const other = champion === undefined || 'failed' in champion ? undefined : champion
  const metrics = Object.entries(candidate.metrics).map(([name, measure]) => [
    name,
    showNumber(measure.value),
    showRange(measure),
    ...(other === undefined ? [] : [showNumber(other.metrics[name]?.value)]),
  ])
  const sliced = slices.slice(0, 50).map(({ column, value, rows, candidate: own, champion: others }) => {
    const [name = '', measure] = Object.entries(own)[0] ?? []
    return [
      `${column} = ${value}`,
      String(rows),
      name,
      showNumber(measure?.value),
      measure === undefined ? '' : showRange(measure),
      showNumber(others?.[name]?.value),
    ]
  })
  const examples = (evidence?.examples ?? []).map((row) => [
    row.id ?? String(row.row),
    row.label,
    row.candidate,
    row.champion ?? '',
    showNumber(row.distance),
  ])
  return [
    `## Metrics\n\n${table(['metric', 'candidate', '95 % interval', ...(other === undefined ? [] : ['champion'])], metrics)}`,
    ...answered(candidate, evidence),
    ...(sliced.length === 0
      ? []
      : [`## Slices\n\n${table(['slice', 'rows', 'metric', 'candidate', '95 % interval', 'champion'], sliced)}`]),
    ...(examples.length === 0
      ? []
      : [
          `## ${evidence?.compared === 'changed' ? 'Answers that changed most' : 'Rows it is furthest off at'}\n\n${table(['row', 'label', 'candidate', 'champion', 'distance'], examples)}`,
        ]),
    ...shifted(evidence),
    ...(notes.length === 0 ? [] : [`## Notes\n\n${notes.map((note) => `- ${e(note)}`).join('\n')}`]),
  ]
}

const MOST_CLASSES = 20

/** What the page draws: which answers are taken for which, and how far they can be believed. */
function answered({ classes = [], confusion }: ModelMeasures, evidence: EvaluationResult['evidence']): string[] {
  const names = classes.map(({ name }) => name)
  const cells = (confusion ?? []).map((row, i) => [names[i] ?? '', ...row.map(showCount)])
  const isSmall = cells.length > 0 && cells.length <= MOST_CLASSES
  const { candidate: own = [], champion: others } = evidence?.reliability ?? {}
  const bins = own.flatMap(({ rows, confidence, accuracy }, i) => {
    const other = others?.[i]
    const told = [String(rows), showNumber(confidence), showNumber(accuracy)]
    const otherTold = other === undefined || other.rows === 0 ? '' : showNumber(other.accuracy)
    return rows === 0 ? [] : [[`${i / 10} to ${(i + 1) / 10}`, ...told, ...(others === undefined ? [] : [otherTold])]]
  })
  const head = ['sure by', 'rows', 'sure on average', 'right', ...(others === undefined ? [] : ['champion right'])]
  return [
    ...(isSmall
      ? [`## Answers, by truth\n\n${table(['truth', ...names.map((name) => `answer ${name}`)], cells)}`]
      : []),
    ...(bins.length === 0 ? [] : [`## How sure it was, and how often it was right\n\n${table(head, bins)}`]),
  ]
}

function shifted(evidence: EvaluationResult['evidence']): string[] {
  const shift = (evidence?.shift ?? []).filter(({ bins }) => bins.length > 0)
  if (shift.length === 0) return []
  const rows = shift.map(({ column, distance }) => [column, `${(distance * 100).toFixed(1)} %`])
  return [`## Reference and held-out rows\n\n${table(['column', 'rows that moved'], rows)}`]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => e(short(cell, 500))).join(' | ')} |`
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n')
}
