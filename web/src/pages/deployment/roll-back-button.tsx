import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { rollBack } from '../../../../src/api/deployments.ts'
import { Failure } from '../../parts/failure.tsx'
import { Icon } from '../../parts/icon.tsx'
import { projectKey } from '../../queries/queries.ts'
import { call } from '../../session/server.ts'

interface RollBackButtonProps {
  readonly project: string
  readonly environment: string
}

/** Asks once, then goes back at once: the version before is still warm. */
export function RollBackButton({ project, environment }: RollBackButtonProps) {
  const [isOpen, { open, close }] = useDisclosure(false)
  const [reason, setReason] = useState('')
  const queries = useQueryClient()
  const goBack = useMutation({
    mutationFn: () =>
      call(rollBack, { params: { project, environment }, body: reason.trim() === '' ? {} : { reason: reason.trim() } }),
    onSuccess: close,
    onSettled: () => queries.invalidateQueries({ queryKey: projectKey(project) }),
  })
  return (
    <>
      <Button size="compact-sm" variant="default" leftSection={<Icon name="back" size={14} />} onClick={open}>
        Roll back
      </Button>
      <Modal
        opened={isOpen}
        onClose={close}
        title={`Roll back ${environment}?`}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Stack>
          <Text size="sm">
            The version before answers again within a second. The bundle that is taken back is refused in {environment}{' '}
            until a maintainer clears it.
          </Text>
          <TextInput
            label="Reason"
            placeholder="asked for by a person"
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            data-autofocus
          />
          {goBack.error !== null && <Failure error={goBack.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Leave it
            </Button>
            <Button color="red" onClick={() => goBack.mutate()} loading={goBack.isPending}>
              Roll back now
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
