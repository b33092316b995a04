import { Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { resumeDeployment, type Deployment } from '../../../../src/api/deployments.ts'
import { Failure } from '../../parts/failure.tsx'
import { Section, Sheet } from '../../parts/section.tsx'
import { projectKey } from '../../queries/queries.ts'
import { call } from '../../session/server.ts'
import { asPercent } from '../../words/numbers.ts'

/** A held rollout keeps its weight until a person says go on (or rolls it back). */
export function ResumePanel({ deployment: { project, id, weight } }: { readonly deployment: Deployment }) {
  const [comment, setComment] = useState('')
  const queries = useQueryClient()
  const resume = useMutation({
    mutationFn: () => call(resumeDeployment, { params: { project, deployment: id }, body: { comment } }),
    onSettled: () => queries.invalidateQueries({ queryKey: projectKey(project) }),
  })
  return (
    <Section title="The rollout is held">
      <Sheet>
        <Stack gap="sm">
          <Text size="sm">It stays at {asPercent(weight)} of the traffic until you let it go on, or roll it back.</Text>
          <Textarea label="Comment" value={comment} onChange={(event) => setComment(event.currentTarget.value)} />
          {resume.error !== null && <Failure error={resume.error} />}
          <Group>
            <Button onClick={() => resume.mutate()} loading={resume.isPending}>
              Go on
            </Button>
          </Group>
        </Stack>
      </Sheet>
    </Section>
  )
}
