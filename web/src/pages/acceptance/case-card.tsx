import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { judgeCase, type AcceptanceCase, type AcceptanceSession } from '../../../../src/api/acceptance.ts'
import { Failure } from '../../parts/failure.tsx'
import { Sheet } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { acceptance } from '../../queries/queries.ts'
import { call } from '../../session/server.ts'
import { CaseInputs } from './case-inputs.tsx'
import { SideAnswer } from './side-answer.tsx'
import { verdictsFor } from './verdicts.ts'

interface CaseCardProps {
  readonly project: string
  readonly session: AcceptanceSession
  readonly shown: AcceptanceCase
}

/** One case: what the model was given, what each side answered, and the tester's verdict. */
export function CaseCard({ project, session, shown }: CaseCardProps) {
  const { id, question, critical, expected, sides } = shown
  return (
    <Sheet>
      <Stack gap={10} component="article" aria-label={`Case ${id}`}>
        <Group gap={8} justify="space-between">
          <Text fw={600} size="sm">
            {question ?? id}
          </Text>
          {critical && <StateBadge tone="person">critical</StateBadge>}
        </Group>
        <CaseInputs shown={shown} />
        <Group grow gap={8} align="stretch">
          <SideAnswer side={sides.b === undefined ? undefined : 'A'} answer={sides.a} />
          {sides.b !== undefined && <SideAnswer side="B" answer={sides.b} />}
        </Group>
        <Text size="sm" c="dimmed">
          {expected === null ? id : `Expected: ${expected} · ${id}`}
        </Text>
        <Verdicts project={project} session={session} shown={shown} />
      </Stack>
    </Sheet>
  )
}

function Verdicts({ project, session, shown }: CaseCardProps) {
  const queries = useQueryClient()
  const judge = useMutation({
    mutationFn: (verdict: ReturnType<typeof verdictsFor>[number]['verdict']) =>
      call(judgeCase, { params: { project, deployment: session.deployment }, body: { case: shown.id, verdict } }),
    onSuccess: (now) => queries.setQueryData(acceptance(project, session.deployment).queryKey, now),
  })
  return (
    <>
      <Group gap={6} role="group" aria-label={`Your verdict on ${shown.id}`}>
        {verdictsFor(shown).map(({ verdict, word }) => (
          <Button
            key={verdict}
            size="compact-sm"
            variant={shown.verdict === verdict ? 'filled' : 'default'}
            aria-pressed={shown.verdict === verdict}
            disabled={session.state !== 'open'}
            loading={judge.isPending && judge.variables === verdict}
            onClick={() => judge.mutate(verdict)}
          >
            {word}
          </Button>
        ))}
      </Group>
      {judge.error !== null && <Failure error={judge.error} />}
    </>
  )
}
