/** What is known of a value on the unpickler's stack: enough to tell names, and the shape of joblib's arrays. */
export type Value =
  | { readonly kind: 'text'; readonly value: string }
  /** Truth values too. */
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'tuple'; readonly items: readonly Value[] }
  | { readonly kind: 'dict'; readonly entries: Map<string, Value> }
  | { readonly kind: 'global'; readonly name: string }
  /** What calling `by` answered. */
  | { readonly kind: 'made'; readonly by: string; readonly args: Value; state: Value | undefined }
  | { readonly kind: 'unknown' }
