import type { SketchedStep } from './init-text.ts'
import { FilePath } from './keys/scalars.ts'

export interface FoundModel {
  /** Absent: nothing that could be served was found. */
  readonly path?: string
  /** It is a file of the repository, so no step makes it. */
  readonly committed: boolean
  readonly predict?: string
  readonly card?: string
}

/** The model file that the training code names, or that the repository holds. */
export function findModel(
  files: readonly string[],
  steps: readonly SketchedStep[],
  readText: (path: string) => string | undefined,
  notes: string[],
): FoundModel {
  const cardFile = ['MODEL_CARD.md', 'model_card.md', 'docs/model-card.md'].find((file) => files.includes(file))
  const card = cardFile === undefined ? {} : { card: cardFile }
  const made = [...steps.flatMap(({ outs }) => outs ?? []), ...namedInScripts(steps, readText)]
  // Each member of a matrix makes one: which of them is the model is for somebody to say.
  const onnx = made.find((path) => path.endsWith('.onnx') && !path.includes('${{'))
  if (onnx !== undefined) return { path: onnx, committed: false, ...card }
  const committed = files.find((file) => file.endsWith('.onnx'))
  if (committed !== undefined) return { path: committed, committed: true, ...card }
  const other = made.find((path) => OTHER_MODELS.test(path) && !path.includes('${{'))
  if (other === undefined) {
    notes.push(
      'No model file was found in the training code: fill in `model` and the `outs` of the step that makes it.',
    )
    return { committed: false }
  }
  const predict = findPredictor(files, readText)
  if (predict === undefined) {
    notes.push(
      `${other} is no ONNX file: export one (skl2onnx, torch.onnx), or write src/predict.py with a class Model that has load(path) and predict(DataFrame), and name it in \`model.predict\`.`,
    )
    return { committed: false }
  }
  return { path: other, committed: files.includes(other), predict, ...card }
}

const OTHER_MODELS = /\.(joblib|pkl|pickle|pt|pth|h5|keras|safetensors|cbm|ubj|lgb)$/

function namedInScripts(steps: readonly SketchedStep[], readText: (path: string) => string | undefined): string[] {
  const scripts = steps.flatMap(({ run }) => run.match(/[\w./-]+\.py/g) ?? [])
  return scripts.flatMap((script) => {
    const quoted = (readText(script) ?? '').matchAll(/["']([\w./-]+\.\w+)["']/g)
    return [...quoted]
      .map(([, path]) => path ?? '')
      .filter((path) => (path.endsWith('.onnx') || OTHER_MODELS.test(path)) && FilePath.safeParse(path).success)
  })
}

function findPredictor(files: readonly string[], readText: (path: string) => string | undefined): string | undefined {
  for (const file of files.filter((path) => /(^|\/)(predict|predictor|model|serve)\.py$/.test(path))) {
    const text = readText(file) ?? ''
    const [, name] = /^class\s+([A-Za-z_]\w*)/m.exec(text) ?? []
    if (name !== undefined && /def load\(/.test(text) && /def predict\(/.test(text)) return `${file}:${name}`
  }
  return undefined
}
