import { expect, test } from 'vitest'
import type { Need, Plan, PlanStep, TaskName } from '../../core/plan.ts'
import { narrowPlan } from './narrow-plan.ts'

const after = (step: string, data = false): Need => ({ step, optional: false, data })

function command(key: string, parts: Partial<PlanStep> = {}): PlanStep {
  return {
    key,
    stage: 'train',
    needs: [],
    uses: [],
    work: { kind: 'command', run: key, env: {}, secrets: [] },
    deps: ['**'],
    params: [],
    outs: [],
    metrics: [],
    reports: {},
    cache: true,
    runsOn: 'local',
    resources: { cpus: 1, gpus: 0 },
    timeoutMs: 1_000,
    retry: { on: [], limit: 0 },
    ...parts,
  }
}

const task = (key: string, name: TaskName, parts: Partial<PlanStep> = {}): PlanStep =>
  command(key, { work: { kind: 'task', task: name, input: {} }, ...parts })

const keys = (plan: Plan) => plan.steps.map(({ key }) => key)

test('a step is kept with the steps whose outputs it reads and its environment, in the order of the plan', () => {
  const environment = task('environment', 'build-environment')
  const unit = command('unit', { uses: ['environment'], needs: [after('environment')] })
  const prepare = command('prepare', { needs: [after('unit')], outs: ['rows.csv'] })
  const train = command('train', {
    uses: ['environment'],
    needs: [after('environment'), after('unit'), after('prepare', true)],
  })
  const plan: Plan = { version: 1, steps: [environment, unit, prepare, train] }

  const narrow = narrowPlan(plan, ['train'])

  expect(keys(narrow)).toEqual(['environment', 'prepare', 'train'])
  expect(narrow.steps.at(-1)?.needs).toEqual([after('environment'), after('prepare', true)])
})

test('a step that asks for the candidate keeps what makes the candidate', () => {
  const train = command('train', { outs: ['model.onnx'] })
  const bundle = task('bundle', 'make-bundle', { needs: [after('train', true)] })
  const contract = command('contract', { endpoint: 'candidate', needs: [after('bundle')] })

  const narrow = narrowPlan({ version: 1, steps: [train, bundle, contract] }, ['contract'])

  expect(keys(narrow)).toEqual(['train', 'bundle', 'contract'])
})

test('a name stands for every member of its matrix', () => {
  const plan: Plan = { version: 1, steps: [command('unit (0)'), command('unit (1)'), command('units')] }

  expect(keys(narrowPlan(plan, ['unit']))).toEqual(['unit (0)', 'unit (1)'])
})

test('a name that is no step is refused, with those that are', () => {
  const plan: Plan = { version: 1, steps: [command('train')] }

  expect(() => narrowPlan(plan, ['trian'])).toThrow('There is no step "trian". There are: train.')
})
