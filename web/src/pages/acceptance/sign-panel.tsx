import { Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { signAcceptance, type AcceptanceSession } from '../../../../src/api/acceptance.ts'
import { Failure } from '../../parts/failure.tsx'
import { Sheet } from '../../parts/section.tsx'
import { Ago } from '../../parts/time.tsx'
import { projectKey } from '../../queries/queries.ts'
import { asCount } from '../../words/numbers.ts'
import { call } from '../../session/server.ts'

interface SignPanelProps {
  readonly project: string
  readonly session: AcceptanceSession
}

/** A tester signs for the version, champion and cases as they stand here; the digest says so to the server. */
export function SignPanel({ project, session }: SignPanelProps) {
  return (
    <Sheet>
      <Stack gap="sm">
        {session.signatures.map(({ person, decision, comment, at }) => (
          <Text key={`${person} ${at}`} size="sm">
            <b>{person}</b> signed: {decision} <Ago at={at} />
            {comment === '' ? '' : `: ${comment}`}
          </Text>
        ))}
        {session.state === 'open' ? (
          <Sign project={project} session={session} />
        ) : (
          <Text size="sm">The session has ended: {session.state}.</Text>
        )}
      </Stack>
    </Sheet>
  )
}

function Sign({ project, session }: SignPanelProps) {
  const [comment, setComment] = useState('')
  const queries = useQueryClient()
  const { deployment, digest, version } = session
  const left = session.cases.filter(({ verdict }) => verdict === null).length
  const sign = useMutation({
    mutationFn: (decision: 'accept' | 'reject') =>
      call(signAcceptance, { params: { project, deployment }, body: { decision, digest, comment } }),
    onSettled: () => queries.invalidateQueries({ queryKey: projectKey(project) }),
  })
  return (
    <>
      <Textarea
        label={`What you found in version ${version}`}
        description="Kept with your signature"
        autosize
        minRows={2}
        value={comment}
        onChange={(event) => setComment(event.currentTarget.value)}
      />
      {sign.error !== null && <Failure error={sign.error} />}
      <Group gap="sm">
        <Button
          onClick={() => sign.mutate('accept')}
          loading={sign.isPending && sign.variables === 'accept'}
          disabled={sign.isPending || left > 0}
        >
          Sign: accept
        </Button>
        <Button
          variant="light"
          color="red"
          onClick={() => sign.mutate('reject')}
          loading={sign.isPending && sign.variables === 'reject'}
          disabled={sign.isPending}
        >
          Sign: reject
        </Button>
        {left > 0 && (
          <Text size="sm" c="dimmed">
            Judge the {asCount(left, 'case')} that {left === 1 ? 'is' : 'are'} left before you accept; you may reject at
            once.
          </Text>
        )}
      </Group>
    </>
  )
}
