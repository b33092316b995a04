import { createClient, type CallInput, type Client } from '../../../src/client/client.ts'
import type { Operation } from '../../../src/api/operation.ts'
import type { z } from 'zod'
import { storedToken } from './token.ts'

/** Calls the server this page came from, as the person who is signed in. */
export function call<Op extends Operation>(
  operation: Op,
  input: CallInput<Op>,
  signal?: AbortSignal,
): Promise<z.output<Op['answer']>> {
  return serverAs(storedToken()).call(operation, input, signal)
}

export function serverAs(token: string | undefined): Client {
  return createClient({ url: location.origin, token })
}
