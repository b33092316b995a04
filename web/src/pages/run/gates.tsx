import { Group, Stack, Text } from '@mantine/core'
import type { Gate, RunDetail } from '../../../../src/api/runs.ts'
import { Evidence } from '../../parts/evidence.tsx'
import { ReportLink } from '../../parts/report-link.tsx'
import { Section, Sheet } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { GATE_TONES } from '../../words/tones.ts'
import { WaiveGate } from './waive-gate.tsx'
import styles from './rows.module.css'

/** What the candidate had to meet, and whether it did, with the figures. */
export function Gates({ run }: { readonly run: RunDetail }) {
  if (run.gates.length === 0) return null
  return (
    <Section title="Gates">
      {run.hasReport && (
        <Text size="sm" mb="xs">
          <ReportLink run={run.id}>The candidate’s report</ReportLink> has the intervals, slices and changed answers
          behind these.
        </Text>
      )}
      <Sheet pad={false}>
        {run.gates.map((gate) => (
          <OneGate key={gate.title} run={run} gate={gate} />
        ))}
      </Sheet>
    </Section>
  )
}

function OneGate({ run, gate }: { readonly run: RunDetail; readonly gate: Gate }) {
  return (
    <article className={styles['row']} aria-label={`Gate ${gate.title}`}>
      <Stack gap={4}>
        <Group gap={8}>
          <StateBadge tone={GATE_TONES[gate.outcome]}>{gate.outcome}</StateBadge>
          <Text fw={600} size="sm">
            {gate.title}
          </Text>
        </Group>
        <Text size="sm">{gate.summary}</Text>
        {gate.waivedBy !== null && (
          <Text size="sm" c="dimmed">
            waived by {gate.waivedBy}: {gate.waivedReason}
          </Text>
        )}
        {gate.outcome === 'inconclusive' && gate.waivedBy === null && run.endedAt !== null && (
          <WaiveGate run={run} gate={gate} />
        )}
        <Evidence of={gate.evidence} />
      </Stack>
    </article>
  )
}
