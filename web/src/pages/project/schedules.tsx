import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Ago } from '../../parts/time.tsx'
import { Section, Sheet } from '../../parts/section.tsx'
import { project as projectDetail } from '../../queries/queries.ts'

/** When the clock starts a run next; nothing for projects without schedules. */
export function Schedules({ project }: { readonly project: string }) {
  const { data } = useQuery(projectDetail(project))
  const schedules = data?.schedules ?? []
  if (schedules.length === 0) return null
  return (
    <Section title="Schedules">
      <Sheet>
        {schedules.map(({ cron, timezone, nextAt, lastAt, lastRun }) => (
          <Text key={`${cron} ${timezone}`} size="sm">
            <code>{cron}</code> {timezone}: next <Ago at={nextAt} />
            {lastAt !== null && lastRun !== null && (
              <>
                , last {lastRun} <Ago at={lastAt} />
              </>
            )}
          </Text>
        ))}
      </Sheet>
    </Section>
  )
}
