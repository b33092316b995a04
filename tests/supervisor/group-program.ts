import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { createControlGroups } from '../../src/lib/control-group.ts'

/** Starts processes in a group below the mount that it is given, and removes the group when it is told to. */
const groups = createControlGroups(process.argv[2])
const group = await groups.take({ memoryBytes: 1 << 30, processes: 50 })
// One that would escape: it leaves its session.
spawn('sh', ['-c', 'setsid sleep 600 & sleep 600'], { stdio: 'ignore', detached: true }).unref()
groups.goOn()
console.log(JSON.stringify({ name: group?.name, limitsMemory: group?.limitsMemory, isStuck: groups.isStuck }))
for await (const _ of createInterface(process.stdin)) {
  groups.remove(group)
  console.log('removed')
}
