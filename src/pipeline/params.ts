import { paramsFile } from './connect-steps.ts'
import type { ExpressionContext } from './expression.ts'
import type { Pipeline } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { readYaml } from './yaml-source.ts'

/** What expressions know when a plan is made. Params files are those that steps name, read as YAML or JSON. */
export function expressionContext(pipeline: Pipeline, context: PlanContext): ExpressionContext {
  const { branch, tag, event } = context
  const params = context.params ?? readParams(pipeline, context.readText)
  return { branch, event, params, ...(tag === undefined ? {} : { tag }) }
}

function readParams(pipeline: Pipeline, readText: PlanContext['readText']): Record<string, unknown> {
  const files = new Set(pipeline.steps.flatMap(({ params }) => params.map(paramsFile)))
  const contents: Record<string, unknown> = {}
  for (const file of files) {
    const text = readText?.(file)
    if (text !== undefined) contents[file] = readYaml(text, file).value
  }
  return contents
}
