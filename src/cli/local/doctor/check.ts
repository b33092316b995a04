/** `lacking`: something works less well. `missing`: Tidegate cannot do its work here. */
export interface Check {
  readonly check: string
  readonly state: 'ok' | 'lacking' | 'missing'
  readonly found: string
  /** What to do about it; empty where all is well. */
  readonly todo: string
}

export function ok(check: string, found: string): Check {
  return { check, state: 'ok', found, todo: '' }
}

export function lacking(check: string, found: string, todo: string): Check {
  return { check, state: 'lacking', found, todo }
}

export function missing(check: string, found: string, todo: string): Check {
  return { check, state: 'missing', found, todo }
}
