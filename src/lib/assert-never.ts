/** Ends a `switch` over a union: a member that nobody handled is then a type error. */
export function assertNever(value: never): never {
  throw new Error(`unhandled: ${JSON.stringify(value)}`)
}
