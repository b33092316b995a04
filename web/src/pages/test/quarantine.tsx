import { Group, Stack, Text } from '@mantine/core'
import type { TestDetail } from '../../../../src/api/tests.ts'
import { Section, Sheet } from '../../parts/section.tsx'
import { Ago } from '../../parts/time.tsx'
import { asExactTime } from '../../words/times.ts'
import { QuarantineButton } from './quarantine-button.tsx'
import { ReleaseButton } from './release-button.tsx'

interface QuarantineProps {
  readonly project: string
  readonly test: TestDetail
}

/** Whether its failing is overlooked: by whom, why and until when, and how to change that. */
export function Quarantine({ project, test }: QuarantineProps) {
  const { quarantine } = test
  return (
    <Section title="Quarantine">
      <Sheet>
        <Group justify="space-between" align="flex-start" gap="md">
          <Stack gap={4}>
            <Text size="sm" fw={600}>
              {tellState(quarantine)}
            </Text>
            {quarantine !== null && (
              <Text size="sm">
                {quarantine.person}, <Ago at={quarantine.at} />: {quarantine.reason}
              </Text>
            )}
            <Text size="sm" c="dimmed">
              A test in quarantine runs and is reported, and fails no step. Maintainers put tests in and release them.
            </Text>
          </Stack>
          <Group gap="xs">
            <QuarantineButton project={project} test={test} />
            {quarantine !== null && <ReleaseButton project={project} test={test} />}
          </Group>
        </Group>
      </Sheet>
    </Section>
  )
}

function tellState(quarantine: TestDetail['quarantine']): string {
  if (quarantine === null) return 'Not in quarantine: when it fails, its step fails.'
  const until = asExactTime(quarantine.until)
  return quarantine.isOver
    ? `Its quarantine was over on ${until}: when it fails, its step fails.`
    : `In quarantine until ${until}.`
}
