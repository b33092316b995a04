import { Group, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { RunDetail } from '../../../../src/api/runs.ts'
import { placeOfRun } from '../../../../src/core/run-place.ts'
import { Digest } from '../../parts/digest.tsx'
import { Crumbs } from '../../parts/page-frame.tsx'
import { ReportLink } from '../../parts/report-link.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Ago, Took } from '../../parts/time.tsx'
import { originOf } from '../../words/origin.ts'
import { RUN_TONES } from '../../words/tones.ts'
import { RunButtons } from './run-buttons.tsx'

/** Which change this is, who brought it, and what may be done with it. */
export function RunHead({ run }: { readonly run: RunDetail }) {
  const { project, number, title, state, commit, createdAt, startedAt, endedAt } = run
  return (
    <div>
      <Crumbs project={project}>{`Run ${number}`}</Crumbs>
      <Group justify="space-between" align="flex-start" mt={4} gap="md">
        <div>
          <Title order={1} size="h2">
            <Text span inherit c="dimmed" fw={500}>
              #{number}
            </Text>{' '}
            {title}
          </Title>
          <Group gap={8} mt={6} fz="sm">
            <StateBadge tone={RUN_TONES[state]}>{state}</StateBadge>
            <Text size="sm" c="dimmed">
              {placeOfRun(run)} · <Digest of={commit} /> · {originOf(run)} · <Ago at={createdAt} />
              {startedAt !== null && (
                <>
                  {' · took '}
                  <Took from={startedAt} to={endedAt} />
                </>
              )}
            </Text>
            <Origins run={run} />
          </Group>
        </div>
        <RunButtons run={run} />
      </Group>
      {run.reason !== null && (
        <Text mt="sm" size="sm">
          {run.reason}
        </Text>
      )}
    </div>
  )
}

/** What this run came from, and the version that came from it. */
function Origins({ run: { id, project, parentRun, alert, version, hasReport } }: { readonly run: RunDetail }) {
  return (
    <>
      {parentRun !== null && (
        <Link to="/$project/runs/$number" params={{ project, number: parentRun.split('#')[1] ?? '' }}>
          {parentRun}
        </Link>
      )}
      {alert !== null && (
        <Link to="/$project/alerts" params={{ project }}>
          the alert
        </Link>
      )}
      {version !== null && (
        <Link to="/$project/versions/$version" params={{ project, version: String(version) }}>
          registered as version {version}
        </Link>
      )}
      {hasReport && <ReportLink run={id}>report of the candidate</ReportLink>}
    </>
  )
}
