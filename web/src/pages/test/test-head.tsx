import { Group, Text, Title } from '@mantine/core'
import type { TestDetail } from '../../../../src/api/tests.ts'
import { RunLink } from '../../parts/run-link.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Ago } from '../../parts/time.tsx'
import { asCount, asPercent } from '../../words/numbers.ts'
import { toneOfTest } from '../../words/test-states.ts'

/** Which test this is, and how it stands. */
export function TestHead({ test }: { readonly test: TestDetail }) {
  const { suite, name, file, state, runs, failures, flakes, firstAt, lastAt, lastRun, quarantine } = test
  const failed = failures === 0 ? 'never failed' : `failed ${asCount(failures, 'time')} (${asPercent(failures / runs)})`
  return (
    <div>
      {suite !== '' && (
        <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {suite}
        </Text>
      )}
      <Title order={1} size="h2" style={{ overflowWrap: 'anywhere' }}>
        {name === '' ? 'A test without a name' : name}
      </Title>
      <Group gap={8} mt={6} fz="sm">
        <StateBadge tone={toneOfTest(state)}>{state}</StateBadge>
        {flakes > 0 && <StateBadge tone="person">flaky {asCount(flakes, 'time')}</StateBadge>}
        {quarantine?.isOver === false && <StateBadge tone="person">in quarantine</StateBadge>}
        <Text size="sm" c="dimmed">
          {file === '' ? '' : `${file} · `}first seen <Ago at={firstAt} />, ran
          {` ${asCount(runs, 'time')} since, ${failed}`} · last in <RunLink run={lastRun} /> <Ago at={lastAt} />
        </Text>
      </Group>
    </div>
  )
}
