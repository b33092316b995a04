import { foundDependencies } from './environment-steps.ts'
import { importedDvcSteps } from './init-dvc.ts'
import { findModel, type FoundModel } from './init-model.ts'
import { stepText, type SketchedStep } from './init-text.ts'

export interface InitResult {
  /** A commented tidegate.yaml without errors. */
  readonly text: string
  /** What a person should know or decide, one sentence each. */
  readonly notes: readonly string[]
}

/** A pipeline file that fits the repository: what can be seen is written, what cannot be known is a comment. */
export function initPipeline(files: readonly string[], readText: (path: string) => string | undefined): InitResult {
  const notes: string[] = []
  const training = trainingSteps(files, readText, notes)
  const model = findModel(files, training, readText, notes)
  const steps = [...testSteps(files, readText, notes), ...withModelOut(training, model)]
  const sections = [HEADER, buildText(files), stepsText(steps), modelText(model), ADVICE]
  return { text: `${sections.filter((section) => section !== '').join('\n\n')}\n`, notes }
}

const HEADER = `# How a commit of this repository becomes a model that people use.
# Check it with \`tidegate lint\`, try it with \`tidegate run\`.
version: 1`

function buildText(files: readonly string[]): string {
  const dependencies = foundDependencies(files)
  const dev = devRequirements(files)
  if (dependencies.length === 0 && dev === undefined) return ''
  const lines = ['# Packages are resolved once to a lock; the lock is what is cached and served.', 'build:']
  if (dependencies.length > 0) lines.push(`  dependencies: ${dependencies.join(', ')}`)
  if (dev !== undefined) {
    lines.push(`  # For steps that say \`build: dev\`: a newer linter does not retrain the model.`)
    lines.push(`  environments: { dev: ${dev} }`)
  }
  return lines.join('\n')
}

function devRequirements(files: readonly string[]): string | undefined {
  return ['requirements-dev.txt', 'requirements-test.txt', 'dev-requirements.txt', 'requirements/dev.txt'].find(
    (file) => files.includes(file),
  )
}

function testSteps(
  files: readonly string[],
  readText: (path: string) => string | undefined,
  notes: string[],
): SketchedStep[] {
  const folder = ['tests/unit', 'tests', 'test'].find((path) =>
    files.some((file) => file.startsWith(`${path}/`) && file.endsWith('.py')),
  )
  if (folder === undefined) {
    notes.push(
      'There are no tests yet: put some into tests/ and run `tidegate init` again, or add a step of `stage: unit-tests`.',
    )
    return []
  }
  const dev = devRequirements(files)
  const declared = [dev, ...foundDependencies(files)].some(
    (file) => file !== undefined && /\bpytest\b/.test(readText(file) ?? ''),
  )
  if (!declared) notes.push(`pytest is in no requirement file: add it to ${dev ?? 'requirements-dev.txt'}.`)
  return [
    {
      name: 'unit',
      stage: 'unit-tests',
      ...(dev === undefined ? {} : { build: 'dev' }),
      run: `pytest ${folder} --junitxml reports/unit.xml`,
      junit: 'reports/unit.xml',
    },
  ]
}

function trainingSteps(
  files: readonly string[],
  readText: (path: string) => string | undefined,
  notes: string[],
): SketchedStep[] {
  const imported = files.includes('dvc.yaml') ? importedDvcSteps(readText('dvc.yaml') ?? '') : undefined
  if (imported !== undefined) {
    notes.push('The steps are those of dvc.yaml.')
    return imported
  }
  if (files.includes('dvc.yaml')) notes.push('dvc.yaml uses more than plain stages: its steps are yours to write.')
  const script = trainingScript(files)
  if (script === undefined) {
    notes.push('No training script was found: change `python train.py` to the command that trains.')
    return [{ name: 'train', run: 'python train.py', cache: false }]
  }
  const params = ['params.yaml', 'params.json'].filter((file) => files.includes(file))
  return [
    { name: 'train', run: `python ${script}`, deps: readBy(script, files), ...(params.length > 0 ? { params } : {}) },
  ]
}

function trainingScript(files: readonly string[]): string | undefined {
  const usual = ['train.py', 'src/train.py', 'scripts/train.py', 'training.py', 'main.py']
  return (
    usual.find((file) => files.includes(file)) ??
    files.find((file) => /(^|\/)train\w*\.py$/.test(file) && !/(^|\/)tests?\//.test(file))
  )
}

/** A step sees only its deps, so rather too many: the code and the data, not the tests. */
function readBy(script: string, files: readonly string[]): string[] {
  const top = new Set<string>([script])
  for (const file of files) {
    const folder = file.split('/', 1)[0] ?? file
    const isCode = file.endsWith('.py') && !/^(tests?|docs|notebooks|examples)$/.test(folder)
    const isData = /\.(csv|parquet|json|jsonl|npz|npy|tsv|feather)$/.test(file) && !/^(tests?|docs)$/.test(folder)
    if ((isCode || isData) && folder !== '') top.add(folder === file ? file : `${folder}/`)
  }
  return [...top].filter(
    (path) => !/^(setup|conftest|noxfile|tasks)\.py$/.test(path) && !/^package.*\.json$/.test(path),
  )
}

/** The model is an out of the last training step that names none. */
function withModelOut(steps: readonly SketchedStep[], model: FoundModel): SketchedStep[] {
  if (model.path === undefined || model.committed || steps.some(({ outs }) => outs?.includes(model.path ?? '')))
    return [...steps]
  return steps.map((step, index) => {
    if (index !== steps.length - 1) return step
    return { ...step, outs: [...(step.outs ?? []), model.path ?? ''] }
  })
}

function stepsText(steps: readonly SketchedStep[]): string {
  return ['# A step that names its `deps` sees only these, and is not run again while they stay the same.', 'steps:']
    .concat(steps.map(stepText).join('\n\n'))
    .join('\n')
}

function modelText(model: FoundModel): string {
  if (model.path === undefined) {
    return `# What is built. Only .onnx files are served by themselves; for others name a class with load(path) and predict(DataFrame).
# model:
#   path: model.onnx`
  }
  const lines = ['# What is built, registered and served.', 'model:', `  path: ${model.path}`]
  if (model.predict !== undefined) lines.push(`  predict: "${model.predict}"`)
  if (model.card !== undefined) lines.push(`  card: ${model.card}`)
  lines.push(
    '',
    '# Where versions are served, in this order. The first one ever always needs a person.',
    'environments:',
    '  production:',
    '    approval: none # continuous deployment; for continuous delivery: { reviewers: [name], required: 1 }',
    '    guard-rails:',
    '      - { metric: error-rate, max-increase: 1% }',
    '    monitors:',
    '      - { kind: quality, actions: [notify] }',
  )
  return lines.join('\n')
}

const ADVICE = `# Compare each candidate with the version in production, on rows that training never saw:
# evaluation:
#   data: data/test.parquet
#   task: classification
#   label: label
# gates:
#   - { metric: accuracy, min: 0.9 }
#   - { metric: accuracy, against: champion, margin: 0.02 }`
