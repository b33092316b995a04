import type { TaskInputs } from '../pipeline/task-inputs.ts'

/** What has no other place than the store, no run can make again. Undefined: it comes from elsewhere. */
export function howToPushAgain(
  project: string,
  { path, source }: Pick<TaskInputs['freeze-dataset'], 'path' | 'source'>,
): string | undefined {
  if (source.kind !== 'store') return undefined
  return `Push it again: \`tidegate data push ${project} ${path} <file or folder>\`.`
}
