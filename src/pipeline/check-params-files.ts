import type { Problem } from '../core/problem.ts'
import { askedParams, type AskedParam } from './check-params.ts'
import { isParamsFile, paramsFile, readerOf } from './connect-steps.ts'
import type { Draft } from './draft.ts'
import type { ExpressionContext } from './expression.ts'
import { namedParams } from './params.ts'
import { formatPath } from './path.ts'
import type { Pipeline } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { readYaml } from './yaml-source.ts'
import { KEY_TWICE } from './yaml-value.ts'

/**
 * What keeps params files of the commit from being read, at its place in them: a step could not take what it names, and an
 * expression would be an empty text, or a number other than the one that is written. `params.yaml` counts where a step or an
 * expression asks for it.
 */
export function checkParamsFiles(
  pipeline: Pipeline,
  drafts: readonly Draft[],
  context: PlanContext,
  known: ExpressionContext,
): Problem[] {
  const { readText, perhapsMade = [] } = context
  if (readText === undefined || perhapsMade.length > 0) return []
  const ofSteps = new Set(drafts.flatMap(({ step }) => step.params.map(paramsFile)))
  const asked = askedParams(pipeline, known)
  const files = asked.length > 0 ? namedParams(pipeline, context, known) : ofSteps
  const isMade = (file: string) => drafts.some(({ step }) => step.outs.some(readerOf(file)))
  return [...files].flatMap((file) => {
    const text = context.files.includes(file) && !isMade(file) ? readText(file) : undefined
    return text === undefined ? [] : wrongIn(file, text, textsIn(file, asked))
  })
}

/** What expressions write into texts of this file. */
function textsIn(file: string, asked: readonly AskedParam[]): ReadonlySet<string> {
  const here = asked.filter(({ files, becomesText }) => becomesText && (files.length === 0 || files.includes(file)))
  return new Set(here.map(({ names }) => formatPath(names)))
}

function wrongIn(file: string, text: string, texts: ReadonlySet<string>): Problem[] {
  if (!isParamsFile(file)) return []
  const { value, problems, problemAt } = readYaml(text, file, (path) => texts.has(formatPath(path)))
  const isWrong = ({ message, path }: Problem) => message === KEY_TWICE || texts.has(path)
  const wrong = value === undefined ? problems : problems.filter(isWrong)
  if (wrong.length > 0 || !file.endsWith('.json')) return [...wrong]
  const reason = notJson(text)
  return reason === undefined ? [] : [problemAt([], `this is not JSON: ${reason}`)]
}

/** Comments, `NaN` and commas at the end are YAML. */
function notJson(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
