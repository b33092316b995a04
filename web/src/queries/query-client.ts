import { QueryClient } from '@tanstack/react-query'
import { isAppError } from '../../../src/core/errors.ts'

/** What was fetched is kept fresh by events; asking again on focus covers a laptop that slept. */
export function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (failures, error) => failures < 3 && mayPass(error),
        retryDelay: (failures) => Math.min(500 * 2 ** failures, 4_000),
      },
      mutations: { retry: false },
    },
  })
}

/** A refusal stays one however often it is asked for; a server that restarts comes back. */
export function mayPass(error: Error): boolean {
  return !isAppError(error) || error.code === 'UPSTREAM' || error.code === 'OVERLOADED'
}
