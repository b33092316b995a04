import type { Problem } from '../core/problem.ts'
import { readerOf } from './connect-steps.ts'
import { findDvcOut } from './dvc-out.ts'
import { foundDependencies } from './environment-steps.ts'
import { extraWithPytest } from './extra-with-pytest.ts'
import { globPattern, isGlob } from './glob.ts'
import { importedDvcSteps, type ImportedSteps } from './init-dvc.ts'
import { importedMlprojectSteps } from './init-mlproject.ts'
import { notebookStep } from './init-notebook.ts'
import { findModel, type FoundModel } from './init-model.ts'
import { stepText, type SketchedStep } from './init-text.ts'
import { lintPipeline } from './lint.ts'
import { formatPath } from './path.ts'
import { splitExtras } from './requirement-includes.ts'
import { isBelow } from './sound-rest.ts'
import { readYaml } from './yaml-source.ts'

export interface InitResult {
  /** A commented tidegate.yaml without errors. */
  readonly text: string
  /** What a person should know or decide, one sentence each. */
  readonly notes: readonly string[]
}

/** A pipeline file that fits the repository: what can be seen is written, what cannot be known is a comment. */
export function initPipeline(files: readonly string[], readText: (path: string) => string | undefined): InitResult {
  const { steps, notes, file } = importedSteps(files, readText)
  const left = [...steps]
  const leftOut: string[] = []
  // What is written must pass the linter: rather less of somebody else's file than one that is refused.
  for (;;) {
    const written = compose(files, readText, { steps: left, notes: [...notes, ...leftOut] })
    const wrong = firstError(written.text, files, readText)
    if (wrong === undefined || left.length === 0) return written
    const at = left.findIndex(({ name }) => isBelow(wrong.path, formatPath(['steps', name])))
    if (at < 0)
      return takenOverNothing(files, readText, `The steps of ${file} could not be taken over: ${wrong.message}`)
    const [step] = left.splice(at, 1)
    leftOut.push(`Step ${step?.name} of ${file} was left out: ${wrong.message}. Write it yourself.`)
  }
}

function takenOverNothing(
  files: readonly string[],
  readText: (path: string) => string | undefined,
  note: string,
): InitResult {
  return compose(files, readText, { steps: [], notes: [note] })
}

function firstError(
  text: string,
  files: readonly string[],
  readText: (path: string) => string | undefined,
): Problem | undefined {
  return lintPipeline(text, { files, readText }).find(({ severity }) => severity === 'error')
}

/** Of a dvc.yaml, else of an MLproject; one that is there and cannot be read is a note. */
function importedSteps(
  files: readonly string[],
  readText: (path: string) => string | undefined,
): ImportedSteps & { readonly file: string } {
  const unread: string[] = []
  for (const file of ['dvc.yaml', 'MLproject'].filter((each) => files.includes(each))) {
    const [problem] = readYaml(readText(file) ?? '', file).problems
    if (problem !== undefined) {
      unread.push(`${file} could not be read, so its steps are missing here. Line ${problem.line}: ${problem.message}.`)
      continue
    }
    const imported = file === 'dvc.yaml' ? dvcSteps(files, readText) : mlprojectSteps(files, readText)
    if (imported !== undefined && imported.steps.length > 0)
      return { file, steps: imported.steps, notes: [...unread, ...imported.notes] }
    unread.push(...(imported?.notes ?? []))
  }
  return { file: '', steps: [], notes: unread }
}

function dvcSteps(files: readonly string[], readText: (path: string) => string | undefined): ImportedSteps | undefined {
  const imported = importedDvcSteps(files, readText)
  if (imported === undefined || imported.steps.length === 0) return imported
  return { steps: imported.steps, notes: ['The steps are those of dvc.yaml.', ...imported.notes] }
}

function mlprojectSteps(
  files: readonly string[],
  readText: (path: string) => string | undefined,
): ImportedSteps | undefined {
  return importedMlprojectSteps(readText, (script) => (files.includes(script) ? readBy(script, files) : []))
}

function compose(
  files: readonly string[],
  readText: (path: string) => string | undefined,
  imported: ImportedSteps,
): InitResult {
  const notes = [...imported.notes]
  const training = imported.steps.length > 0 ? imported.steps : trainingSteps(files, readText, notes)
  const model = findModel(files, training, readText, notes)
  const tests = testSteps(files, readText, notes).filter(({ name }) => !training.some((step) => step.name === name))
  const steps = [...tests, ...withModelOut(training, model)]
  const sections = [
    HEADER,
    buildText(files, readText),
    dataText(outsideGit(training, files), files, readText, notes),
    stepsText(steps),
    modelText(model),
    ADVICE,
  ]
  return { text: `${sections.filter((section) => section !== '').join('\n\n')}\n`, notes }
}

const HEADER = `# How a commit of this repository becomes a model that people use.
# Check it with \`tidegate lint\`, try it with \`tidegate run\`.
version: 1`

function buildText(files: readonly string[], readText: (path: string) => string | undefined): string {
  const dependencies = foundDependencies(files)
  const dev = devRequirements(files, readText)
  if (dependencies.length === 0 && dev === undefined) return ''
  const lines = ['# Packages are resolved once to a lock; the lock is what is cached and served.', 'build:']
  if (dependencies.length > 0) lines.push(`  dependencies: ${dependencies.join(', ')}`)
  if (dev !== undefined) {
    lines.push(`  # For steps that say \`build: dev\`: a newer linter does not retrain the model.`)
    lines.push(`  environments: { dev: ${dev.includes('[') ? JSON.stringify(dev) : dev} }`)
  }
  return lines.join('\n')
}

function devRequirements(files: readonly string[], readText: (path: string) => string | undefined): string | undefined {
  const usual = ['requirements-dev.txt', 'requirements-test.txt', 'dev-requirements.txt', 'requirements/dev.txt']
  const file = usual.find((each) => files.includes(each))
  if (file !== undefined || !files.includes('pyproject.toml')) return file
  const extra = extraWithPytest(readText('pyproject.toml') ?? '')
  return extra === undefined ? undefined : `pyproject.toml[${extra}]`
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
  const dev = devRequirements(files, readText)
  const declared = [dev, ...foundDependencies(files)].some(
    (file) => file !== undefined && /\bpytest\b/.test(readText(splitExtras(file).path) ?? ''),
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
  const script = trainingScript(files)
  if (script === undefined) {
    const dependencies = files.filter((file) =>
      /^(requirements[\w-]*\.txt|pyproject\.toml|setup\.(py|cfg)|environment\.ya?ml)$/.test(file),
    )
    const texts = dependencies.map((file) => readText(file) ?? '')
    const notebook = notebookStep(
      files,
      texts,
      readBy('', files).filter((path) => path !== ''),
      notes,
    )
    if (notebook !== undefined) return [notebook]
    notes.push('No training script was found: write the command that trains as the `run` of `train`.')
    return [{ name: 'train', run: PLACEHOLDER, cache: false }]
  }
  const params = ['params.yaml', 'params.json'].filter((file) => files.includes(file))
  return [
    { name: 'train', run: `python ${script}`, deps: readBy(script, files), ...(params.length > 0 ? { params } : {}) },
  ]
}

/** Fails with a word, rather than for a file that is not there. */
const PLACEHOLDER = `echo "Write here the command that trains, like: python train.py" >&2; exit 1`

function trainingScript(files: readonly string[]): string | undefined {
  const usual = ['train.py', 'src/train.py', 'scripts/train.py', 'training.py', 'main.py']
  return (
    usual.find((file) => files.includes(file)) ??
    files.find((file) => /(^|\/)train\w*\.py$/.test(file) && !/(^|\/)tests?\//.test(file))
  )
}

/** What steps read that neither git has nor a step makes: files that DVC or nobody keeps. */
function outsideGit(steps: readonly SketchedStep[], files: readonly string[]): string[] {
  const outs = steps.flatMap((step) => [...(step.outs ?? []), ...(step.metrics ?? [])])
  const isThere = (path: string) =>
    files.some((file) => file === path || file.startsWith(`${path.replace(/\/$/, '')}/`))
  const isMade = (path: string) => path.includes('${{') || outs.some((out) => makes(out, path))
  return [...new Set(steps.flatMap(({ deps = [] }) => deps))].filter(
    (dep) => !isGlob(dep) && !isThere(dep) && !isMade(dep),
  )
}

/** Members of a matrix make outs whose paths only the plan knows. */
function makes(out: string, path: string): boolean {
  return readerOf(path)(out) || globPattern(out.replaceAll(/\$\{\{.*?\}\}/g, '*')).test(path)
}

function dataText(
  paths: readonly string[],
  files: readonly string[],
  readText: (path: string) => string | undefined,
  notes: string[],
): string {
  if (paths.length === 0) return ''
  const tracked = paths.filter((path) => typeof findDvcOut(path, files, readText) === 'object')
  const others = paths.filter((path) => !tracked.includes(path))
  if (tracked.length > 0) notes.push(`Fetched from the remote in .dvc/config: ${tracked.join(', ')}.`)
  if (others.length > 0)
    notes.push(
      `Not in git: ${others.join(', ')}. Say in \`data\` where each really is; it is then frozen to a digest and known by it.`,
    )
  const sources = paths.map((path) => (tracked.includes(path) ? 'dvc' : JSON.stringify(`file:/srv/data/${path}`)))
  return [
    `# Datasets outside git, each frozen to a digest.${others.length > 0 ? ' Write where they really are.' : ''}`,
    'data:',
    ...paths.map((path, index) => `  ${JSON.stringify(path)}: { from: ${sources[index]} }`),
  ].join('\n')
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
