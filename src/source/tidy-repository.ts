import { endOf, spawnGit } from './run-git.ts'

/** One at a time in this process: packing takes a whole core. */
let queue: Promise<unknown> = Promise.resolve()

/**
 * Lets git pack a repository if it thinks it is time, which pushes themselves do not wait for. Nothing that
 * a run was made of is thrown away, also when its branch is gone.
 */
export function tidyRepository(repository: string, signal: AbortSignal): Promise<void> {
  const turn = queue.then(() => tidy(repository, signal))
  queue = turn
  return turn
}

async function tidy(repository: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const settings = { 'gc.autoDetach': 'false', 'gc.cruftPacks': 'true', 'gc.pruneExpire': 'never' }
  const child = spawnGit(repository, ['gc', '--auto', '--quiet'], ['ignore', 'ignore', 'ignore'], { settings })
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop)
  // A tidying that fails is tried again after the next push; git keeps the reason in gc.log.
  await endOf(child, repository).catch(() => null)
  signal.removeEventListener('abort', stop)
}
