import { AppError } from '../../../core/errors.ts'
import type { Notifier } from '../../../core/ports/notifier.ts'

const ANSWER_MS = 10_000

/**
 * Posts messages as JSON. `tidegate-message-id` is the same when a message is sent again after a crash, so
 * that a receiver can tell. Any 2xx is a success; everything else is UPSTREAM.
 */
export function openWebhookNotifier(url: string): Notifier {
  return {
    async send(message, signal) {
      const limit = AbortSignal.timeout(ANSWER_MS)
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'tidegate-message-id': message.id },
        body: JSON.stringify(message),
        redirect: 'manual',
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      }).catch((error: unknown) => {
        throw new AppError(
          'UPSTREAM',
          `The webhook at ${hostOf(url)} did not answer: ${(error as Error).message}`,
          {},
          { cause: error },
        )
      })
      await response.body?.cancel()
      if (!response.ok) throw new AppError('UPSTREAM', `The webhook at ${hostOf(url)} answered ${response.status}.`)
    },
  }
}

/** A webhook's path is often its secret. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'its address'
}
