import { Button, Group, Menu, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { cancelRun, rerunRun, type RunDetail } from '../../../../src/api/runs.ts'
import type { CancelMode } from '../../../../src/core/run-state.ts'
import { Failure } from '../../parts/failure.tsx'
import { call } from '../../session/server.ts'

/** A run that goes on can be cancelled; one that has ended can be run again, as a new run. */
export function RunButtons({ run }: { readonly run: RunDetail }) {
  const navigate = useNavigate()
  const params = { project: run.project, number: run.number }
  const cancel = useMutation({ mutationFn: (mode: CancelMode) => call(cancelRun, { params, body: { mode } }) })
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
          <CancelMenu onChoose={(mode) => cancel.mutate(mode)} isPending={cancel.isPending} />
        )}
        {run.state === 'cancelling' && run.cancelMode !== 'now' && (
          <Button variant="default" onClick={() => cancel.mutate('now')} loading={cancel.isPending}>
            Cancel now
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

/** Softest last: what most people mean by it comes first. */
const WAYS = {
  now: 'Now',
  'now-run-always': 'Now, but run steps with always()',
  'after-current': 'After the steps that run',
} as const satisfies Record<CancelMode, string>

interface CancelMenuProps {
  readonly onChoose: (mode: CancelMode) => void
  readonly isPending: boolean
}

function CancelMenu({ onChoose, isPending }: CancelMenuProps) {
  return (
    <Menu>
      <Menu.Target>
        <Button variant="default" loading={isPending}>
          Cancel
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {Object.entries(WAYS).map(([mode, title]) => (
          <Menu.Item key={mode} onClick={() => onChoose(mode as CancelMode)}>
            {title}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
