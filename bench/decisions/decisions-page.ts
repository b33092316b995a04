import type { Machine } from '../machine.ts'
import type { DecisionCase } from './cases.ts'
import { simulationError, type Rates } from './gate-rates.ts'

/** One case on so many rows: by how many margins the candidate is truly better, what was decided. */
export interface Decided {
  readonly of: DecisionCase
  readonly rows: number
  readonly repetitions: number
  readonly equal: Rates
  readonly worseByMargin: Rates
  readonly betterByTwo: Rates
  readonly worseByTwo: Rates
}

export interface Supported {
  readonly rows: number
  readonly repetitions: number
  /** What `tidegate lint` says that the rows support. */
  readonly margin: number
  readonly passed: number
}

interface Report {
  readonly machine: Machine
  readonly decided: readonly Decided[]
  readonly supported: readonly Supported[]
  /** Of the processor. */
  readonly tookSeconds: number
}

export function decisionsPage({ machine, decided, supported, tookSeconds }: Report): string {
  return `# How good decisions are

Written by \`npm run bench:decisions\` (${machine.at.slice(0, 10)}, Node ${machine.node}, ${tookSeconds} s of one core), and by nothing else. Seeded: the same code
gives the same numbers on every machine.

A gate against the champion says "not worse by more than the margin, 95 % confidence". Here the truth is known, because the
rows are simulated; the gates are the ones that runs are decided by. Nominal error: 5 %. Shares of repetitions are uncertain
themselves: three standard errors stand beside them.

## A candidate as good as the champion

Refusing it is an error. A gate that compares measured values refuses every second one; "a person" is inconclusive: the rows
cannot tell.

| metric | rows | margin | refused (nominal ≤ 5 %) | passed | a person | refused by "not below the champion" | repetitions |
| --- | --- | --- | --- | --- | --- | --- | --- |
${decided.map(equalRow).join('\n')}

## A candidate that is worse by the margin

Passing it is an error: this is the hardest of all candidates that must not pass.

| metric | rows | margin | passed (nominal ≤ 5 %) | passed by "measured within the margin" | within nominal and simulation error |
| --- | --- | --- | --- | --- | --- |
${decided.map(worseRow).join('\n')}

## A candidate that is better, or worse, by two margins

| metric | rows | margin | better: passed | worse: refused | worse: passed | worse: a person |
| --- | --- | --- | --- | --- | --- | --- |
${decided.map(powerRow).join('\n')}

## The smallest margin that rows support

What \`tidegate lint\` and the gate's own sentence say, on accuracy with 6 % of rows answered right by one model alone: at this margin a
candidate as good as the champion passes four times of five.

| rows | smallest margin | passed (stated 80 %) | repetitions |
| --- | --- | --- | --- |
${supported.map(supportedRow).join('\n')}

## What was simulated

${decided
  .filter(({ of }, i) => decided.findIndex((other) => other.of === of) === i)
  .map(({ of }) => `- **${of.name}**: ${of.what}.`)
  .join('\n')}
`
}

function equalRow({ of, rows, repetitions, equal }: Decided): string {
  const { pass, fail, inconclusive } = equal.gate
  return cells([
    ...head(of, rows),
    uncertain(fail, repetitions),
    percent(pass),
    percent(inconclusive),
    percent(1 - equal.notBelow),
    repetitions.toLocaleString('en'),
  ])
}

function worseRow({ of, rows, repetitions, worseByMargin }: Decided): string {
  const { pass } = worseByMargin.gate
  const isHeld = pass <= 0.05 + simulationError(0.05, repetitions)
  return cells([
    ...head(of, rows),
    uncertain(pass, repetitions),
    percent(worseByMargin.threshold),
    isHeld ? 'yes' : '**no**',
  ])
}

function powerRow({ of, rows, betterByTwo, worseByTwo }: Decided): string {
  const { pass, fail, inconclusive } = worseByTwo.gate
  return cells([...head(of, rows), percent(betterByTwo.gate.pass), percent(fail), percent(pass), percent(inconclusive)])
}

function supportedRow({ rows, margin, passed, repetitions }: Supported): string {
  const count = (number: number): string => number.toLocaleString('en')
  return cells([count(rows), margin.toFixed(4), uncertain(passed, repetitions), count(repetitions)])
}

function head({ name, gate }: DecisionCase, rows: number): string[] {
  return [name, rows.toLocaleString('en'), String(gate.margin)]
}

function uncertain(share: number, repetitions: number): string {
  return `${percent(share)} ± ${percent(simulationError(share, repetitions))}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function cells(values: readonly string[]): string {
  return `| ${values.join(' | ')} |`
}
