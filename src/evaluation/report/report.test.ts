import { expect, test } from 'vitest'
import type { EvaluationResult } from '../evaluation-result.ts'
import type { GateDecision } from '../gate.ts'
import { reportHtml } from './report-html.ts'
import { reportMarkdown } from './report-markdown.ts'
import type { ReportFacts } from './report-facts.ts'

const EVIL = `<script>alert('1')</script>"\`|](x)`

const gate: GateDecision = {
  title: 'accuracy',
  spec: { kind: 'absolute', name: 'accuracy', metric: 'accuracy', min: 0.9, minRows: 1 },
  outcome: 'inconclusive',
  summary: `accuracy ${EVIL}`,
  evidence: { note: EVIL },
}
const measure = { value: 0.9, low: 0.85, high: 0.94, method: 'exact' }
const evaluation = {
  task: 'classification',
  rows: 200,
  label: EVIL,
  source: 'hosts',
  candidate: {
    bundle: 'sha256:00',
    metrics: {
      accuracy: measure,
      'log-loss': { ...measure, value: 3, high: 4 },
      auc: { value: null, low: null, high: null, why: 'it needs rows of more than one class' },
    },
    classes: [EVIL, 'b'].map((name) => ({ name, rows: 100, precision: 1, recall: 1, f1: 1 })),
    confusion: [
      [90, 12.3456],
      [10, 90],
    ],
  },
  champion: { version: 2, bundle: 'sha256:01', metrics: { accuracy: { ...measure, value: 0.8, low: 0.7 } } },
  slices: [{ column: EVIL, value: EVIL, rows: 50, candidate: { accuracy: measure } }],
  outcomes: { kind: 'file', digest: 'sha256:02', size: 1 },
  evidence: {
    compared: 'changed',
    examples: [
      { row: 7, id: EVIL, inputs: { [EVIL]: EVIL }, label: EVIL, candidate: EVIL, champion: EVIL, distance: 0.9 },
    ],
    shift: [
      {
        column: EVIL,
        distance: 0.2,
        bins: [
          { name: 'up to 5', reference: 10, heldOut: 5 },
          { name: EVIL, reference: 10, heldOut: 5 },
        ],
      },
    ],
    reliability: { candidate: [{ rows: 200, confidence: 0.9, accuracy: 0.91 }] },
  },
  notes: [EVIL],
} as unknown as EvaluationResult
const facts: ReportFacts = {
  run: {
    id: 'shop#12',
    project: 'shop',
    commit: 'a94a8fe5ccb1',
    branch: EVIL,
    title: EVIL,
    person: EVIL,
    event: 'push',
    createdAt: 0,
    datasets: [{ path: EVIL, digest: 'sha256:03', rows: 3 }],
    tests: { passed: 1, failed: 0, skipped: 0 },
  },
  gates: [gate, { ...gate, waiver: { gate: 'accuracy', person: EVIL, reason: EVIL } }],
  evaluation,
}

test('nothing that a run says is markup on the page', () => {
  const html = reportHtml(facts)

  expect(html).not.toContain('<script')
  expect(html).not.toMatch(/aria-label="[^"]*[<>]/)
  expect(html.match(/&#60;script&#62;/g)?.length).toBeGreaterThan(15)
  expect(html).not.toMatch(/(href|src|url\()=?/)
})

test('nothing that a run says is markup in the text', () => {
  const markdown = reportMarkdown(facts)

  expect(markdown).not.toContain('<')
  for (const line of markdown.split('\n').filter((each) => each.startsWith('|'))) {
    expect(line.replaceAll(/\\./g, '')).not.toMatch(/[`[\]]/)
  }
})

test('both say the verdict, the figures with their intervals, and how to do it again', () => {
  const html = reportHtml(facts)
  const markdown = reportMarkdown(facts)

  for (const text of [html, markdown]) {
    expect(text).toContain('a person must decide')
    expect(text).toContain('0.85 to 0.94')
    expect(text).toContain('git checkout a94a8fe5ccb1')
    expect(text).toContain('The champion, version 2, was asked about the same rows in a host of its own.')
  }
  for (const text of [html, markdown]) {
    expect(text).toContain('12.3')
    expect(text).not.toContain('12.3456')
    expect(text).toContain('it needs rows of more than one class')
    expect(text).toContain('how often it was right')
    expect(text).toContain('20.0 %')
  }
  expect(html).toMatch(/<text [^>]*>up to 5<\/text>/)
  // What has no place on an axis from 0 to 1 stands in the table only.
  expect(html.match(/log-loss/g)).toHaveLength(1)
  expect(html.match(/<svg /g)).toHaveLength(5)
})

test("answers of the author's code are told as such, of the candidate and of the champion", () => {
  const author = { ...facts, evaluation: { ...facts.evaluation!, source: 'author' as const } }

  const text = reportMarkdown(author)

  expect(text).toContain('the author supplied the answers to')
  expect(text).toContain('The champion, version 2: what its own run')
  expect(text).not.toContain('in a host of its own')
})

test('one gate is no gates', () => {
  expect(reportMarkdown({ ...facts, gates: [{ ...gate, outcome: 'pass' }] })).toContain('Of 1 gate: 1 pass.')
  expect(reportMarkdown({ ...facts, gates: [gate, gate] })).toContain('Of 2 gates: ')
})

test('a run that was never evaluated has a report too, and one without gates says that nothing was proved', () => {
  const { evaluation: _, ...bare } = facts

  expect(reportHtml({ ...bare, gates: [] })).toContain('No gate was asked for: nothing was proved.')
  expect(reportMarkdown({ ...bare, gates: [{ ...gate, outcome: 'fail' }] })).toContain('# shop\\#12: refused')
})

test('the same facts are the same bytes, so that a report is named by what it says', () => {
  expect(reportHtml(structuredClone(facts))).toBe(reportHtml(facts))
})
