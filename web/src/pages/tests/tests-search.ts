import { TEST_CHOICES, type TestChoice } from '../../../../src/api/tests.ts'

/** What the address of the page says of the list: it can be sent to a colleague. */
export interface TestsSearch {
  readonly only?: TestChoice
  readonly search?: string
}

export function testsSearch(search: Record<string, unknown>): TestsSearch {
  const only = TEST_CHOICES.find((choice) => choice === search['only'])
  const text = searchText(search['search'])
  return {
    ...(only === undefined || only === 'all' ? {} : { only }),
    ...(text === undefined ? {} : { search: text.slice(0, 500) }),
  }
}

/** An address that somebody typed may say 5 or true, and mean the word. */
export function searchText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}
