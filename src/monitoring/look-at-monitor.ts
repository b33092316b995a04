import { assertNever } from '../lib/assert-never.ts'
import type { MonitorSpec } from '../pipeline/pipeline.ts'
import { joinLabels, type Labels } from './join-labels.ts'
import { measureLatency } from './measure-latency.ts'
import { judgeDrift } from './monitor-drift.ts'
import type { MonitorFinding } from './monitor-finding.ts'
import { judgeLatency } from './monitor-latency.ts'
import { judgePerformance, PERFORMANCE_METRICS, type PerformanceMetric } from './monitor-performance.ts'
import { judgeQuality } from './monitor-quality.ts'
import type { Analytics } from '../lib/open-analytics.ts'
import { beginOf, measureExtent, type WindowQuestion } from './open-window.ts'
import { profileWindow } from './profile-window.ts'
import type { ReferenceProfile } from './reference-profile.ts'

export interface MonitorView {
  readonly analytics: Analytics
  /** Where the Parquet files of the environment lie, at any depth. */
  readonly folder: string
  /** As the prediction log has it in `_version`. */
  readonly version: string
  /** The end of the monitor's last window of this version, or when the version began to serve. */
  readonly since: number
  /**
   * The newest time of which all predictions have surely reached the log; for performance, of which all
   * labels should have come. Epoch milliseconds.
   */
  readonly until: number
  /** Undefined when the bundle names no reference. */
  readonly reference: ReferenceProfile | undefined
  /** All labels of the environment that were told since `from`. */
  readonly labels: (from: number) => Labels
}

export interface MonitorLook {
  readonly finding: MonitorFinding
  readonly from: number
  readonly to: number
  readonly rows: number
}

/**
 * Looks once, if a new window is complete: `rows` of them, or the time. Undefined when it is not. Windows
 * do not share rows. Ask again until it is undefined: a backlog (the server was away, or traffic is quick) is
 * as many windows of rows as fit; of time only the newest window is looked at.
 */
export async function lookAtMonitor(monitor: MonitorSpec, view: MonitorView): Promise<MonitorLook | undefined> {
  const { folder, version, since, until } = view
  const question: WindowQuestion = { folder, version, size: monitor.window, since, until }
  if (monitor.window.kind === 'time' && until - since < monitor.window.ms) return undefined
  const extent = await measureExtent(view.analytics, question)
  if (monitor.window.kind === 'rows' && extent.rows < monitor.window.rows) return undefined
  const finding = await judge(monitor, view, question)
  if (monitor.window.kind === 'time') return { finding, from: until - monitor.window.ms, to: until, rows: extent.rows }
  return { finding, from: extent.from ?? since, to: extent.to ?? until, rows: extent.rows }
}

async function judge(monitor: MonitorSpec, view: MonitorView, question: WindowQuestion): Promise<MonitorFinding> {
  switch (monitor.kind) {
    case 'drift':
      if (view.reference === undefined) return withoutReference()
      return judgeDrift(view.reference, await profileWindow(view.analytics, question, view.reference), {
        features: monitor.features,
      })
    case 'quality':
      if (view.reference === undefined) return withoutReference()
      return judgeQuality(view.reference, await profileWindow(view.analytics, question, view.reference))
    case 'performance':
      return lookAtPerformance(monitor, view, question)
    case 'latency':
      return judgeLatency(await measureLatency(view.analytics, question, monitor), monitor)
    default:
      return assertNever(monitor)
  }
}

async function lookAtPerformance(
  monitor: Extract<MonitorSpec, { kind: 'performance' }>,
  view: MonitorView,
  question: WindowQuestion,
): Promise<MonitorFinding> {
  const { metric, min, max } = monitor
  if (!isKnown(metric)) return unknownMetric(metric)
  // A label is told after its prediction was made.
  const window = await joinLabels(view.analytics, question, view.labels(beginOf(question)))
  return judgePerformance(window, {
    metric,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  })
}

function isKnown(metric: string): metric is PerformanceMetric {
  return (PERFORMANCE_METRICS as readonly string[]).includes(metric)
}

function withoutReference(): MonitorFinding {
  return {
    state: 'too-few-rows',
    summary:
      'There is nothing to compare with: the bundle has no reference. Set `model.reference` and deliver a new version.',
    evidence: {},
  }
}

function unknownMetric(metric: string): MonitorFinding {
  return {
    state: 'too-few-rows',
    summary: `${metric} cannot be computed from logged predictions and labels; use ${PERFORMANCE_METRICS.join(', ')}.`,
    evidence: { metric },
  }
}
