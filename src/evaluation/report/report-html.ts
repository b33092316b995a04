import type { EvaluationResult, ModelMeasures } from '../evaluation-result.ts'
import type { GateDecision } from '../gate.ts'
import { sliceRows, unitRows } from './interval-rows.ts'
import { escapeHtml as e, short } from './markup.ts'
import { confusionPlot, intervalPlot, reliabilityPlot, shiftPlot } from './plots.ts'
import { howToReproduce, provedBy, showNumber, showRange, verdictOf, type ReportFacts } from './report-facts.ts'
import { REPORT_STYLE } from './report-style.ts'

/** One page that needs nothing beside itself: no script, no font, no picture from elsewhere. */
export function reportHtml(facts: ReportFacts): string {
  const { run, gates, evaluation } = facts
  const verdict = verdictOf(gates)
  const sections = [
    section('What was proved', list(provedBy(facts))),
    section('Gates', gates.length === 0 ? '' : gates.map(oneGate).join('')),
    ...(evaluation === undefined ? [] : evaluated(evaluation)),
    section('Where it comes from', origin(facts)),
    section('How to do it again', `<pre>${e(howToReproduce(facts).join('\n'))}</pre>${notes(evaluation)}`),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${e(`${run.id}: report of the candidate`)}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
<header>
<p class="over">Report of the candidate</p>
<h1>${e(run.id)} <span class="verdict ${verdict.replaceAll(' ', '-')}">${e(verdict)}</span></h1>
<p>${e(short(run.title))}</p>
<p class="facts">${e(`${run.commit.slice(0, 12)} on ${run.branch}, by ${run.person}, ${new Date(run.createdAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`)}</p>
</header>
${sections.join('\n')}
</main>
</body>
</html>
`
}

function section(title: string, body: string): string {
  return body === '' ? '' : `<section><h2>${e(title)}</h2>${body}</section>`
}

function list(sentences: readonly string[]): string {
  return `<ul>${sentences.map((sentence) => `<li>${e(sentence)}</li>`).join('')}</ul>`
}

const MARKS = { pass: '✓', fail: '✗', inconclusive: '?', 'not-applicable': '–' } as const

function oneGate({ title, outcome, summary, evidence, waiver }: GateDecision): string {
  const waived =
    waiver === undefined ? '' : `<p class="facts">waived by ${e(waiver.person)}: ${e(short(waiver.reason, 500))}</p>`
  const behaviour = behaviourTests(evidence['tests'])
  const figures =
    Object.keys(evidence).length === 0 || behaviour !== ''
      ? ''
      : `<details><summary>Figures</summary><pre>${e(short(JSON.stringify(evidence, null, 2), 4_000))}</pre></details>`
  return `<article class="gate"><p><span class="outcome ${outcome}"><b aria-hidden="true">${MARKS[outcome]}</b> ${outcome}</span> <strong>${e(title)}</strong></p><p>${e(short(summary, 1_000))}</p>${waived}${behaviour}${figures}</article>`
}

interface ToldTest {
  readonly name: string
  readonly kind: string
  readonly outcome: keyof typeof MARKS
  readonly rows: number
  readonly failed: number
  readonly why?: string
  readonly examples?: readonly {
    readonly row: number
    readonly inputs: Record<string, string>
    readonly before?: string
    readonly answer: string
  }[]
}

function behaviourTests(tests: unknown): string {
  if (!Array.isArray(tests)) return ''
  const told = (tests as readonly ToldTest[])
    .slice(0, 100)
    .map(({ name, kind, outcome, rows, failed, why, examples = [] }) => {
      const head = `<p><span class="outcome ${outcome}"><b aria-hidden="true">${MARKS[outcome]}</b> ${outcome}</span> ${e(name)} <span class="facts">${e(kind)}: ${failed} of ${rows} rows failed${why === undefined ? '' : `: ${e(why)}`}</span></p>`
      if (examples.length === 0) return head
      const rowsTold = examples.map(({ row, inputs, before = '', answer }) => [
        String(row),
        before,
        answer,
        inputsTold(inputs),
      ])
      return `${head}<details><summary>Rows that failed</summary>${table(['row', 'before, or wanted', 'answer', 'inputs'], rowsTold)}</details>`
    })
  return `<div class="tests">${told.join('')}</div>`
}

function evaluated(evaluation: EvaluationResult): string[] {
  const { candidate, champion, evidence, slices, latency } = evaluation
  const other = champion === undefined || 'failed' in champion ? undefined : champion
  const unit = unitRows(candidate, other)
  const confusion =
    candidate.confusion === undefined || candidate.classes === undefined
      ? ''
      : figure(
          'Answers of the candidate, by truth',
          confusionPlot(
            'confusion of the candidate',
            candidate.classes.map(({ name }) => name),
            candidate.confusion,
          ),
          candidate.classes.length > 20 ? 'The first 20 classes.' : '',
        )
  const reliability =
    evidence?.reliability === undefined
      ? ''
      : figure(
          'How sure it was, and how often it was right',
          reliabilityPlot('reliability', evidence.reliability.candidate, evidence.reliability.champion),
          'On the dashed line a model is as often right as it says. Larger marks are more rows.',
          legend(evidence.reliability.champion !== undefined),
        )
  return [
    section(
      'Metrics',
      `${unit.length === 0 ? '' : figure('With the interval that 95 % confidence leaves', intervalPlot('metrics with intervals', unit), '', legend(other !== undefined))}${metricsTable(candidate, other)}${latency === undefined ? '' : `<p class="facts">Latency at its own endpoint behind the gateway, of ${latency.requests} single rows, ${Math.round(latency.perSecond)} a second after ${latency.warmUp} to warm up: p50 ${latency.p50.toFixed(1)} ms, p95 ${latency.p95.toFixed(1)} ms, p99 ${latency.p99.toFixed(1)} ms.</p>`}`,
    ),
    section(
      'Answers',
      confusion === '' && reliability === '' ? '' : `<div class="beside">${confusion}${reliability}</div>`,
    ),
    section('Slices', sliceFigures(slices)),
    section(
      evidence?.compared === 'changed' ? 'Answers that changed most' : 'Rows it is furthest off at',
      examplesTable(evidence),
    ),
    section('Reference and held-out rows', shifts(evidence)),
  ]
}

function legend(hasChampion: boolean): string {
  return hasChampion
    ? '<p class="legend"><span class="mark candidate"></span> candidate <span class="mark champion"></span> champion</p>'
    : ''
}

function figure(title: string, plot: string, note = '', more = ''): string {
  return `<figure><figcaption>${e(title)}</figcaption>${more}<div class="scroll">${plot}</div>${note === '' ? '' : `<p class="facts">${e(note)}</p>`}</figure>`
}

function metricsTable(candidate: ModelMeasures, champion: ModelMeasures | undefined): string {
  const rows = Object.entries(candidate.metrics).map(([name, measure]) => {
    const other = champion?.metrics[name]
    const own = [name, showNumber(measure.value), showRange(measure)]
    return champion === undefined
      ? own
      : [...own, showNumber(other?.value), other === undefined ? '' : showRange(other)]
  })
  return table(
    ['metric', 'candidate', '95 % interval', ...(champion === undefined ? [] : ['champion', '95 % interval'])],
    rows,
  )
}

function sliceFigures(slices: EvaluationResult['slices']): string {
  const columns = [...new Set(slices.map(({ column }) => column))].slice(0, 8)
  return columns
    .map((column) => {
      const { metric, rows, left } = sliceRows(slices, column)
      if (rows.length === 0) return ''
      const note = left === 0 ? '' : `${left} more values are not drawn.`
      return figure(
        `${metric} by ${column}`,
        intervalPlot(`${metric} by ${column}`, rows),
        note,
        legend(rows.some(({ champion }) => champion !== undefined)),
      )
    })
    .join('')
}

function examplesTable(evidence: EvaluationResult['evidence']): string {
  if (evidence === undefined || evidence.examples.length === 0) return ''
  const hasChampion = evidence.compared === 'changed'
  const rows = evidence.examples.map((row) => [
    row.id ?? String(row.row),
    row.label,
    row.candidate,
    ...(hasChampion ? [row.champion ?? ''] : []),
    showNumber(row.distance),
    inputsTold(row.inputs),
  ])
  return table(
    [
      evidence.examples.some(({ id }) => id !== undefined) ? 'id' : 'row',
      'label',
      'candidate',
      ...(hasChampion ? ['champion'] : []),
      'distance',
      'inputs',
    ],
    rows,
  )
}

function inputsTold(inputs: Readonly<Record<string, string>>): string {
  return Object.entries(inputs)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}

function shifts(evidence: EvaluationResult['evidence']): string {
  const shift = (evidence?.shift ?? []).filter(({ bins }) => bins.length > 0)
  if (shift.length === 0) return ''
  const figures = shift.map(({ column, distance, bins }) =>
    figure(
      `${short(column, 40)}: ${(distance * 100).toFixed(1)} % moved`,
      shiftPlot(`${column}: reference and held-out rows`, bins),
    ),
  )
  return `<p class="legend"><span class="mark reference"></span> reference <span class="mark held-out"></span> held-out rows</p><div class="small">${figures.join('')}</div>`
}

function origin({ run, candidate }: ReportFacts): string {
  const rows: [string, string][] = [
    ['commit', run.commit],
    ['branch', run.branch],
    ['started by', `${run.person} (${run.event})`],
    ...(candidate === undefined
      ? []
      : ([
          ['bundle', candidate.bundle],
          ['runtime', candidate.manifest.runtime.kind],
          ['model', candidate.manifest.modelPath],
        ] as [string, string][])),
    ...(run.lock === undefined
      ? []
      : ([['environment lock', `${run.lock.digest} (Python ${run.lock.python})`]] as [string, string][])),
    ['tests', `${run.tests.passed} passed, ${run.tests.failed} failed, ${run.tests.skipped} skipped`],
    ...run.datasets.map(({ path, digest, rows: count }): [string, string] => [
      `data: ${path}`,
      `${digest}${count === null ? '' : ` (${count} rows)`}`,
    ]),
  ]
  return `<dl>${rows.map(([name, value]) => `<dt>${e(name)}</dt><dd>${e(value)}</dd>`).join('')}</dl>`
}

function notes(evaluation: EvaluationResult | undefined): string {
  return evaluation === undefined || evaluation.notes.length === 0 ? '' : `<h3>Notes</h3>${list(evaluation.notes)}`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map(
    (row) =>
      `<tr>${row.map((cell, i) => (i === 0 ? `<th scope="row">${e(short(cell))}</th>` : `<td>${e(short(cell, 400))}</td>`)).join('')}</tr>`,
  )
  return `<div class="scroll"><table><thead><tr>${head.map((name) => `<th scope="col">${e(name)}</th>`).join('')}</tr></thead><tbody>${cells.join('')}</tbody></table></div>`
}
