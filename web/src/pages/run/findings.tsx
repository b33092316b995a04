import { Text } from '@mantine/core'
import type { RunDetail } from '../../../../src/api/runs.ts'
import { Section, Sheet } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

interface Place {
  readonly severity: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Problems with a place: of the pipeline file, and what was found in the sources before any test ran. */
export function Findings({ run }: { readonly run: RunDetail }) {
  const places: Place[] = [
    ...run.problems.map(({ path, message, ...place }) => ({
      ...place,
      message: path === '' ? message : `${path}: ${message}`,
    })),
    ...run.findings,
  ]
  if (places.length === 0) return null
  return (
    <Section title={run.state === 'invalid' ? 'What is wrong with tidegate.yaml' : 'Findings'}>
      <Sheet>
        {places.map((place) => (
          <Text key={`${place.file}:${place.line}:${place.column} ${place.message}`} size="sm" py={3}>
            <StateBadge tone={place.severity === 'error' ? 'failed' : 'person'}>{place.severity}</StateBadge>{' '}
            <code>
              {place.file}:{place.line}:{place.column}
            </code>{' '}
            {place.message}
          </Text>
        ))}
      </Sheet>
    </Section>
  )
}
