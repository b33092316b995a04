import { TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { TEST_CHOICES, type TestChoice } from '../../../../src/api/tests.ts'
import type { Tone } from '../../words/tones.ts'
import styles from './test-filter.module.css'
import type { TestsSearch } from './tests-search.ts'

/** As the command calls them: `tidegate tests digits --failing-most`. */
const WORDS: Readonly<Record<TestChoice, { readonly word: string; readonly tone: Tone }>> = {
  all: { word: 'All', tone: 'quiet' },
  failing: { word: 'Failing', tone: 'failed' },
  'failing-most': { word: 'Failing most', tone: 'quiet' },
  flaky: { word: 'Flaky', tone: 'person' },
  slow: { word: 'Slowest', tone: 'quiet' },
  quarantined: { word: 'In quarantine', tone: 'person' },
}

const TYPING_MS = 250

interface TestFilterProps {
  readonly project: string
  readonly chosen: TestsSearch
  readonly counts: Partial<Record<TestChoice, number>>
}

/** Which tests are shown. It stands in the address, so that Back and a link lead to the same list. */
export function TestFilter({ project, chosen, counts }: TestFilterProps) {
  const { only = 'all', search = '' } = chosen
  return (
    <div className={styles['bar']}>
      <nav aria-label="Which tests">
        <ul className={styles['choices']}>
          {TEST_CHOICES.map((choice) => (
            <li key={choice}>
              <Link
                className={styles['choice']}
                to="/$project/tests"
                params={{ project }}
                search={{ ...(choice === 'all' ? {} : { only: choice }), ...(search === '' ? {} : { search }) }}
                activeOptions={{ exact: true }}
                aria-current={choice === only ? 'page' : undefined}
              >
                {WORDS[choice].word}
                {counts[choice] !== undefined && (
                  <span className={styles['count']} data-tone={counts[choice] === 0 ? 'quiet' : WORDS[choice].tone}>
                    {counts[choice].toLocaleString('en')}
                  </span>
                )}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <SearchField project={project} chosen={chosen} />
    </div>
  )
}

function SearchField({ project, chosen: { only, search = '' } }: Omit<TestFilterProps, 'counts'>) {
  const [typed, setTyped] = useState(search)
  const navigate = useNavigate()
  const look = useDebouncedCallback((text: string) => {
    const wanted = text.trim()
    const address = { ...(only === undefined ? {} : { only }), ...(wanted === '' ? {} : { search: wanted }) }
    void navigate({ to: '/$project/tests', params: { project }, search: address, replace: true })
  }, TYPING_MS)
  return (
    <TextInput
      className={styles['search']}
      type="search"
      size="sm"
      aria-label="Search tests by name"
      placeholder="Part of a name"
      value={typed}
      maxLength={500}
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        look(event.currentTarget.value)
      }}
    />
  )
}
