import { AppError } from '../../core/errors.ts'
import { findReport } from '../../evaluation/reports.sql.ts'
import type { Installation } from '../../flow/installation.ts'
import type { Handlers } from '../handlers.ts'
import { idOf } from './runs.ts'

const TYPES = { html: 'text/html; charset=utf-8', markdown: 'text/markdown; charset=utf-8' } as const

/**
 * A page of ours with words of strangers in it: whatever they say, it may load and run nothing, and as it is of
 * no origin (`sandbox`) it could not ask for anything in the name of who reads it.
 */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

export function reportHandlers({ database, artifacts }: Installation): Pick<Handlers, 'getReport'> {
  return {
    async getReport({ params, query }) {
      const report = await findReport(database.read, idOf(params))
      if (report === undefined) {
        const why = 'a report is made when the gates are decided, and they were not'
        throw new AppError('NOT_FOUND', `Run ${idOf(params)} has no report: ${why}.`)
      }
      return new Response(new Uint8Array(await artifacts.read(report[query.format])), {
        headers: {
          'content-type': TYPES[query.format],
          'content-security-policy': POLICY,
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'cross-origin-resource-policy': 'same-origin',
        },
      })
    },
  }
}
