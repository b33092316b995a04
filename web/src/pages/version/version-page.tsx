import { Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { Lineage } from '../../../../src/api/versions.ts'
import { useProjectEvents } from '../../live/use-project-events.ts'
import { Digest } from '../../parts/digest.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Crumbs } from '../../parts/page-frame.tsx'
import { ReportLink } from '../../parts/report-link.tsx'
import { Section, Sheet } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Ago } from '../../parts/time.tsx'
import { usePageTitle } from '../../parts/use-page-title.ts'
import { lineage } from '../../queries/queries.ts'
import { asMeasure } from '../../words/numbers.ts'
import { GATE_TONES, type Tone } from '../../words/tones.ts'
import { Datasets } from '../run/datasets.tsx'

export function VersionPage() {
  const { project, version } = useParams({ from: '/signed-in/$project/versions/$version' })
  const query = useQuery(lineage(project, Number(version)))
  usePageTitle(`${query.data?.version.model ?? project}@${version}`)
  useProjectEvents(project)
  return <Loaded query={query}>{(found) => <OneVersion lineage={found} />}</Loaded>
}

/** Where a version came from: commit, data, lock, gates and people. */
function OneVersion({ lineage: of }: { readonly lineage: Lineage }) {
  const { project, model, version, createdAt, metrics } = of.version
  return (
    <Stack gap="xl">
      <div>
        <Crumbs project={project}>{`${model}@${version}`}</Crumbs>
        <Title order={1} size="h2" mt={4}>
          {model}@{version}
        </Title>
        <Text size="sm" c="dimmed">
          registered <Ago at={createdAt} /> from{' '}
          <Link to="/$project/runs/$number" params={{ project, number: of.run.split('#')[1] ?? '' }}>
            {of.run}
          </Link>
        </Text>
      </div>
      <Section title="Where it came from">
        <Sheet>
          <Text size="sm">
            Commit <Digest of={of.commit} /> by {of.pushedBy}: {of.title}
          </Text>
          <Text size="sm">
            Bundle <Digest of={of.version.bundle} />, packages locked as{' '}
            {of.lock === null ? 'nothing' : <Digest of={of.lock} />}
          </Text>
          {of.alert !== null && <Text size="sm">Its training was started by an alert.</Text>}
          <Text size="sm">
            {Object.entries(metrics)
              .map(([name, value]) => `${name} ${asMeasure(value)}`)
              .join(', ')}
          </Text>
        </Sheet>
      </Section>
      <Datasets datasets={of.datasets} />
      <GatesPassed lineage={of} />
      {of.hasReport && (
        <Text size="sm">
          <ReportLink run={of.run}>The report</ReportLink> says what was proved of this version, and how to do it again.
        </Text>
      )}
      <People lineage={of} />
    </Stack>
  )
}

function GatesPassed({ lineage: { gates } }: { readonly lineage: Lineage }) {
  if (gates.length === 0) return null
  return (
    <Section title="Gates">
      <Sheet>
        {gates.map(({ title, outcome, summary }) => (
          <Text key={title} size="sm" py={3}>
            <StateBadge tone={toneOf(outcome)}>{outcome}</StateBadge> <b>{title}</b> {summary}
          </Text>
        ))}
      </Sheet>
    </Section>
  )
}

function toneOf(outcome: string): Tone {
  return outcome in GATE_TONES ? GATE_TONES[outcome as keyof typeof GATE_TONES] : 'quiet'
}

function People({ lineage: { deployments } }: { readonly lineage: Lineage }) {
  if (deployments.length === 0) return null
  return (
    <Section title="Where it went">
      <Sheet>
        {deployments.map(({ environment, state, approvals, signatures }) => (
          <Text key={environment} size="sm" py={3}>
            <b>{environment}</b>: {state}
            {approvals.map(({ person, decision }) => `, ${person}: ${decision}`).join('')}
            {signatures.map(({ person, decision }) => `, ${person} signed: ${decision}`).join('')}
          </Text>
        ))}
      </Sheet>
    </Section>
  )
}
