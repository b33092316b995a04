/**
 * The eight stages every change goes through. This list is the only one: documentation, the command
 * line, the web page and the API take number, name, folder and page from here.
 */
export const STAGES = [
  { number: 1, name: 'commit', title: 'Code commit', folder: 'src/source', page: 'docs/stages/1-commit.md' },
  { number: 2, name: 'build', title: 'Automated build', folder: 'src/build', page: 'docs/stages/2-build.md' },
  { number: 3, name: 'unit-tests', title: 'Unit tests', folder: 'src/reports', page: 'docs/stages/3-unit-tests.md' },
  {
    number: 4,
    name: 'integration-tests',
    title: 'Integration tests',
    folder: 'src/evaluation',
    page: 'docs/stages/4-integration-tests.md',
  },
  {
    number: 5,
    name: 'staging',
    title: 'Deployment to staging',
    folder: 'src/delivery/staging',
    page: 'docs/stages/5-staging.md',
  },
  {
    number: 6,
    name: 'acceptance',
    title: 'User acceptance testing',
    folder: 'src/delivery/acceptance',
    page: 'docs/stages/6-acceptance.md',
  },
  {
    number: 7,
    name: 'production',
    title: 'Deployment to production',
    folder: 'src/delivery/production',
    page: 'docs/stages/7-production.md',
  },
  {
    number: 8,
    name: 'monitoring',
    title: 'Monitoring and feedback',
    folder: 'src/monitoring',
    page: 'docs/stages/8-monitoring.md',
  },
] as const

export type Stage = (typeof STAGES)[number]
export type StageName = Stage['name']

/**
 * The stages a step of a pipeline file can name, in the order they run. `train` belongs to the second
 * stage, the build: the model is what is built.
 */
export const STEP_STAGES = ['build', 'unit-tests', 'train', 'integration-tests'] as const
export type StepStage = (typeof STEP_STAGES)[number]

/** The stage of the eight that a step's stage is shown under. */
export function stageOfStep(stage: StepStage): StageName {
  return stage === 'train' ? 'build' : stage
}
