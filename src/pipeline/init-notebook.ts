import { posix } from 'node:path'
import type { SketchedStep } from './init-text.ts'

/** A step that runs the training notebook, when papermill is there to run it; else advice. */
export function notebookStep(
  files: readonly string[],
  dependencies: readonly string[],
  data: readonly string[],
  notes: string[],
): SketchedStep | undefined {
  const notebooks = files.filter(
    (file) => file.endsWith('.ipynb') && !/(^|\/)(\.ipynb_checkpoints|tests?|docs)\//.test(file),
  )
  const notebook = notebooks.find((file) => /train/i.test(posix.basename(file))) ?? notebooks[0]
  if (notebook === undefined) return undefined
  const plain = /^[\w./-]+$/.test(notebook) ? notebook : `'${notebook.replaceAll("'", `'"'"'`)}'`
  if (!dependencies.some((text) => /\bpapermill\b/.test(text))) {
    notes.push(
      `${notebook} is a notebook. Add papermill to the dependencies and run \`tidegate init\` again, or export it: \`jupyter nbconvert --to script ${plain}\`.`,
    )
    return undefined
  }
  notes.push(`${notebook} is run by papermill; the executed notebook is kept as executed.ipynb.`)
  return {
    name: 'train',
    run: `papermill ${plain} executed.ipynb`,
    deps: [notebook, ...data.filter((path) => path !== notebook)],
    outs: ['executed.ipynb'],
  }
}
