import { Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { approveDeployment, rejectDeployment, type Deployment } from '../../../../src/api/deployments.ts'
import { Digest } from '../../parts/digest.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Section, Sheet } from '../../parts/section.tsx'
import { projectKey } from '../../queries/queries.ts'
import { call } from '../../session/server.ts'

const DECISIONS = { approve: approveDeployment, reject: rejectDeployment } as const

/** Yes or no, with a comment, about the very bundle that is shown: another one that came meanwhile is refused. */
export function DecidePanel({ deployment }: { readonly deployment: Deployment }) {
  const { project, id, bundle, environment, requiredApprovals, reviewers } = deployment
  const [comment, setComment] = useState('')
  const queries = useQueryClient()
  const decide = useMutation({
    mutationFn: (decision: keyof typeof DECISIONS) =>
      call(DECISIONS[decision], { params: { project, deployment: id }, body: { bundle, comment } }),
    onSettled: () => queries.invalidateQueries({ queryKey: projectKey(project) }),
  })
  return (
    <Section title="Your decision">
      <Sheet>
        <Stack gap="sm">
          <Text size="sm">
            {requiredApprovals} of {reviewers.length === 0 ? 'those who may approve' : reviewers.join(', ')} must
            approve before bundle <Digest of={bundle} /> goes to {environment}. Whoever committed, pushed or started the
            change may not.
          </Text>
          <Textarea
            label="Comment"
            description="Kept with the decision"
            autosize
            minRows={2}
            value={comment}
            onChange={(event) => setComment(event.currentTarget.value)}
          />
          {decide.error !== null && <Failure error={decide.error} />}
          <Group gap="sm">
            <Button
              onClick={() => decide.mutate('approve')}
              loading={decide.isPending && decide.variables === 'approve'}
              disabled={decide.isPending}
            >
              Approve
            </Button>
            <Button
              variant="light"
              color="red"
              onClick={() => decide.mutate('reject')}
              loading={decide.isPending && decide.variables === 'reject'}
              disabled={decide.isPending}
            >
              Reject
            </Button>
          </Group>
        </Stack>
      </Sheet>
    </Section>
  )
}
