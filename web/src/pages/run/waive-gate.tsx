import { Button, Group, Modal, Stack, Text, Textarea } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { waiveGate, type Gate, type RunDetail } from '../../../../src/api/runs.ts'
import { Failure } from '../../parts/failure.tsx'
import { call } from '../../session/server.ts'

const SHORTEST_REASON = 3

/** An inconclusive gate goes to a person; the reason is kept with the run. */
export function WaiveGate({ run: { project, number }, gate }: { readonly run: RunDetail; readonly gate: Gate }) {
  const [isOpen, { open, close }] = useDisclosure(false)
  const [reason, setReason] = useState('')
  const navigate = useNavigate()
  const waive = useMutation({
    mutationFn: () => call(waiveGate, { params: { project, number }, body: { gate: gate.title, reason } }),
    onSuccess: (run) =>
      void navigate({ to: '/$project/runs/$number', params: { project, number: String(run.number) } }).then(close),
  })
  return (
    <div>
      <Button size="compact-sm" variant="default" onClick={open}>
        Waive this gate
      </Button>
      <Modal
        opened={isOpen}
        onClose={close}
        title={`Waive “${gate.title}”`}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Stack>
          <Text size="sm">The run goes on as a new run that adopts what succeeded. Your name and reason are kept.</Text>
          <Textarea
            label="Reason"
            autosize
            minRows={3}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            data-autofocus
          />
          {waive.error !== null && <Failure error={waive.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Leave it
            </Button>
            <Button
              onClick={() => waive.mutate()}
              loading={waive.isPending}
              disabled={reason.trim().length < SHORTEST_REASON}
            >
              Waive
            </Button>
          </Group>
        </Stack>
      </Modal>
    </div>
  )
}
