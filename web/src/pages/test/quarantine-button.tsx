import { Button, Group, Modal, NativeSelect, Stack, Text, Textarea } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { quarantineTest, type TestDetail } from '../../../../src/api/tests.ts'
import { Failure } from '../../parts/failure.tsx'
import { projectKey } from '../../queries/queries.ts'
import { call } from '../../session/server.ts'

const DAY_MS = 24 * 3_600_000
const SHORTEST_REASON = 3
const TIMES = [
  { value: '7', label: 'a week' },
  { value: '14', label: 'two weeks' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
]

interface QuarantineButtonProps {
  readonly project: string
  readonly test: TestDetail
}

/** For a time and with a reason, as everybody reads it beside the test. Again: the new reason and time count. */
export function QuarantineButton({ project, test: { test, name, quarantine } }: QuarantineButtonProps) {
  const [isOpen, { open, close }] = useDisclosure(false)
  const [reason, setReason] = useState(quarantine?.reason ?? '')
  const [days, setDays] = useState('30')
  const queries = useQueryClient()
  const put = useMutation({
    mutationFn: () => {
      const until = Date.now() + Number(days) * DAY_MS
      return call(quarantineTest, { params: { project }, body: { test, reason: reason.trim(), until } })
    },
    onSuccess: close,
    onSettled: () => queries.invalidateQueries({ queryKey: projectKey(project) }),
  })
  return (
    <>
      <Button size="compact-sm" variant="default" onClick={open}>
        {quarantine === null ? 'Put into quarantine' : 'Change'}
      </Button>
      <Modal
        opened={isOpen}
        onClose={close}
        title={`Quarantine of ${name}`}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Stack>
          <Text size="sm">
            It runs and is reported as before, and fails no step. Your name and reason are kept; it ends by itself.
          </Text>
          <Textarea
            label="Reason"
            placeholder="waits for a port, see issue 12"
            autosize
            minRows={2}
            maxLength={2_000}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            data-autofocus
          />
          <NativeSelect
            label="For"
            data={TIMES}
            value={days}
            onChange={(event) => setDays(event.currentTarget.value)}
          />
          {put.error !== null && <Failure error={put.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Leave it
            </Button>
            <Button
              onClick={() => put.mutate()}
              loading={put.isPending}
              disabled={reason.trim().length < SHORTEST_REASON}
            >
              Put into quarantine
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
