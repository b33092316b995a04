import { Button, Group, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { cancelRun, rerunRun, type RunDetail } from '../../../../src/api/runs.ts'
import { Failure } from '../../parts/failure.tsx'
import { call } from '../../session/server.ts'

/** A run that goes on can be cancelled; one that has ended can be run again, as a new run. */
export function RunButtons({ run }: { readonly run: RunDetail }) {
  const navigate = useNavigate()
  const params = { project: run.project, number: run.number }
  const cancel = useMutation({ mutationFn: () => call(cancelRun, { params }) })
  const rerun = useMutation({
    mutationFn: (failed: boolean) => call(rerunRun, { params, body: { failed } }),
    onSuccess: ({ project, number }) =>
      void navigate({ to: '/$project/runs/$number', params: { project, number: String(number) } }),
  })
  const error = cancel.error ?? rerun.error
  return (
    <Stack gap="xs" align="flex-end">
      <Group gap="xs">
        {(run.state === 'queued' || run.state === 'running') && (
          <Button variant="default" onClick={() => cancel.mutate()} loading={cancel.isPending}>
            Cancel
          </Button>
        )}
        {run.state === 'failed' && (
          <Button variant="default" onClick={() => rerun.mutate(true)} loading={rerun.isPending}>
            Run what failed again
          </Button>
        )}
        {run.endedAt !== null && run.state !== 'invalid' && (
          <Button variant="default" onClick={() => rerun.mutate(false)} loading={rerun.isPending}>
            Run again
          </Button>
        )}
      </Group>
      {error !== null && <Failure error={error} />}
    </Stack>
  )
}
