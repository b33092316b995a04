import type { GitServerOptions, ReceivedPush } from './git-context.ts'

/**
 * Says the lines of a push as they come, until there are no more, or `leaving`. Returns at once then, also
 * when the source of lines does not: nobody's terminal waits for it.
 */
export async function showProgress(
  options: GitServerOptions,
  push: ReceivedPush,
  say: (line: string) => void,
  leaving: AbortSignal,
): Promise<void> {
  const left = new Promise<'left'>((resolve) => {
    if (leaving.aborted) resolve('left')
    leaving.addEventListener('abort', () => resolve('left'), { once: true })
  })
  try {
    const lines = options.progress(push, leaving)[Symbol.asyncIterator]()
    for (;;) {
      const step = await Promise.race([lines.next(), left])
      if (step === 'left') {
        say('The run goes on without this terminal.')
        lines.return?.().catch((error: unknown) => options.onError(error, push.repository))
        return
      }
      if (step.done === true) return
      say(step.value)
    }
  } catch (error) {
    options.onError(error, push.repository)
    say('The run goes on, but cannot be shown here.')
  }
}
