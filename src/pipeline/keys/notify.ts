import { z } from 'zod'
import { NOTIFY_OCCASIONS, type NotifySpec } from '../pipeline.ts'

/** `notify:` */
export const Notify = z
  .strictObject({
    webhook: z
      .array(
        z
          .string()
          .regex(/^https?:\/\/\S+$/, 'write an address: https://example.test/hook')
          .max(2_000),
      )
      .describe('addresses that get a POST')
      .default([]),
    on: z
      .array(z.enum(NOTIFY_OCCASIONS))
      .default(['failure', 'approval-needed', 'acceptance-needed', 'alert', 'rollback']),
  })
  .transform((raw): NotifySpec => ({ webhooks: raw.webhook, on: raw.on }))

export const NO_NOTIFY: NotifySpec = { webhooks: [], on: [] }
