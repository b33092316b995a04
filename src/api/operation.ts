import type { z } from 'zod'
import type { Role } from '../core/roles.ts'

/**
 * One operation of the HTTP API: the contract that the route, the typed client, the command line, the
 * OpenAPI document and the reference page share. `role` is what the person must hold in the project named
 * by `params.project` (or in the whole installation where there is none); `person`: any valid token;
 * `nobody`: open.
 */
export interface Operation<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  readonly name: string
  readonly summary: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With `{name}` for each of `params`. */
  readonly path: string
  readonly role: Role | 'person' | 'nobody'
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** The body is bytes, as they come; `body` is then nothing. */
  readonly content?: true
  readonly answer: Answer
}

/** The members of a contract that have a default. */
type Defaults<Params, Query, Body> = { params?: Params; query?: Query; body?: Body }

const NOTHING = { params: undefined, query: undefined, body: undefined }

/** Completes a contract; absent parts take nothing. */
export function operation<
  Answer extends z.ZodType,
  Params extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
>(
  contract: Omit<Operation<Params, Query, Body, Answer>, 'params' | 'query' | 'body'> & Defaults<Params, Query, Body>,
): Operation<Params, Query, Body, Answer> {
  return { ...NOTHING, ...contract } as unknown as Operation<Params, Query, Body, Answer>
}
