import type { z } from 'zod'
import type { Operation } from '../api/operation.ts'
import type { Operations } from '../api/operations.ts'
import type { Identity } from '../core/identity.ts'

/** What a handler is given: parsed, authenticated, and allowed to do this. */
export interface Call<Op extends Operation> {
  readonly params: z.output<Op['params']>
  readonly query: z.output<Op['query']>
  readonly body: z.output<Op['body']>
  /** Anonymous only for operations open to nobody in particular. */
  readonly identity: Identity
  /** The body of an operation that takes bytes. */
  readonly content: AsyncIterable<Uint8Array>
  /** Aborts when the client goes away or the server stops. */
  readonly signal: AbortSignal
  /** Of the last server-sent event the client has seen: the number of an event, or where to read a log on. */
  readonly lastEventId: number | undefined
}

export type Handler<Op extends Operation> = (call: Call<Op>) => Promise<z.input<Op['answer']> | Response>

/** One handler for each operation, by its name. */
export type Handlers = { readonly [Name in keyof Operations]: Handler<Operations[Name]> }
