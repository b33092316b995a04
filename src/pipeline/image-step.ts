import { STEP_STAGES, type StepStage } from '../core/stages.ts'
import { readerOf, trimSlash } from './connect-steps.ts'
import { type Draft, taskDraft } from './draft.ts'
import { defined } from './keys/scalars.ts'
import type { Pipeline } from './pipeline.ts'
import { IMAGE_FOLDER, IMAGE_KEY } from './task-keys.ts'

const PATH = ['build', 'image']

/** The container image of `build.image`. One that takes in what a later step makes belongs to that step's stage. */
export function imageSteps({ build }: Pipeline, others: readonly Draft[]): Draft[] {
  const { image } = build
  if (image === undefined) return []
  const { file, context, target } = image
  const below = trimSlash(context)
  const deps = image.deps?.map((dep, index) => ({ dep, path: [...PATH, 'deps', index] })) ?? [
    { dep: below === '.' ? '**' : `${below}/`, path: [...PATH, 'context'] },
  ]
  const all = [{ dep: file, path: [...PATH, 'file'] }, ...deps]
  return [
    taskDraft({
      key: IMAGE_KEY,
      task: 'build-image',
      stage: latestStage(
        all.map(({ dep }) => dep),
        others,
      ),
      input: { file, context: below, ...defined({ target }) },
      path: PATH,
      deps: all,
      outs: [IMAGE_FOLDER],
      cache: true,
    }),
  ]
}

function latestStage(deps: readonly string[], others: readonly Draft[]): StepStage {
  const reads = deps.map(readerOf)
  const read = others.filter(({ step }) => step.outs.some((out) => reads.some((isRead) => isRead(out))))
  const latest = Math.max(0, ...read.map(({ step }) => STEP_STAGES.indexOf(step.stage)))
  return STEP_STAGES[latest] ?? 'build'
}
