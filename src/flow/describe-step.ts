import { stageOfStep, STAGES, type StepStage } from '../core/stages.ts'

/** What the event `step.ended` says. */
export interface StepEnded {
  readonly step: string
  readonly stage: StepStage
  readonly state: string
  readonly seconds?: number | null
  readonly cache?: string | null
  readonly why?: string | null
  readonly message?: string | null
}

/** One line for a terminal: stage, step, state, how long, and why where that is not plain. */
export function describeStep(ended: StepEnded, width: number): string {
  const stage = STAGES.find(({ name }) => name === stageOfStep(ended.stage))
  const number = stage?.number ?? ' '
  const title = (stage?.title ?? '').padEnd(17)
  const line = `  ${number} ${title}  ${ended.step.padEnd(width)}  ${ended.state.padEnd(9)}  ${took(ended).padStart(7)}`
  const why = whyOf(ended)
  return why === '' ? line.trimEnd() : `${line}  ${why}`
}

function took({ cache, seconds }: StepEnded): string {
  if (cache === 'hit') return 'cached'
  return seconds === null || seconds === undefined ? '' : `${seconds.toFixed(1)} s`
}

function whyOf({ state, cache, why, message }: StepEnded): string {
  if (state === 'succeeded' && message !== null && message !== undefined) return message
  if (state === 'failed' || state === 'skipped' || state === 'cancelled') return message ?? why ?? ''
  return cache === 'miss' ? (why ?? '') : ''
}
