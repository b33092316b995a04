import type { DatasetSpec } from '../pipeline/pipeline.ts'

/** Where it comes from, without who may see it. */
export function sourceOf(dataset: DatasetSpec): Omit<DatasetSpec, 'path' | 'only' | 'owners'> {
  const { path: _path, only: _only, owners: _owners, ...source } = dataset
  return source
}
