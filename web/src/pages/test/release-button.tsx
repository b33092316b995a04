import { Button, Stack } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { releaseTest, type TestDetail } from '../../../../src/api/tests.ts'
import { Failure } from '../../parts/failure.tsx'
import { projectKey } from '../../queries/queries.ts'
import { call } from '../../session/server.ts'

interface ReleaseButtonProps {
  readonly project: string
  readonly test: TestDetail
}

/** Nothing is lost by it that could not be put back, so it does not ask. */
export function ReleaseButton({ project, test: { test } }: ReleaseButtonProps) {
  const queries = useQueryClient()
  const release = useMutation({
    mutationFn: () => call(releaseTest, { params: { project }, body: { test } }),
    onSettled: () => queries.invalidateQueries({ queryKey: projectKey(project) }),
  })
  return (
    <Stack gap="xs" align="flex-end">
      <Button size="compact-sm" variant="default" onClick={() => release.mutate()} loading={release.isPending}>
        Release
      </Button>
      {release.error !== null && <Failure error={release.error} />}
    </Stack>
  )
}
