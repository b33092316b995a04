import { AppError } from '../../core/errors.ts'
import type { Tree, TreeFile } from '../../core/tree.ts'
import type { CheckPlace } from './check-place.ts'

/** Everything the candidate's bundle holds. Fails with INVALID_INPUT where there is none. */
export async function bundleFiles({ candidate, context }: CheckPlace): Promise<readonly TreeFile[]> {
  if (candidate === undefined) throw new AppError('INVALID_INPUT', 'there is no candidate to look into')
  const tree = JSON.parse((await context.artifacts.read(candidate.manifest.files.digest)).toString()) as Tree
  return tree.files
}
