import type { Notifier } from '../../core/ports/notifier.ts'
import { openWebhookNotifier } from './webhook/webhook-notifier.ts'

/** How people can be told: one line each, named as its folder. `place` is what the file says. */
export const NOTIFIERS = {
  webhook: openWebhookNotifier,
} as const satisfies Record<string, (place: string) => Notifier>
