import { parseArgs } from 'node:util'
import { sendLabels } from './labels.ts'
import { sendTraffic } from './traffic.ts'

const HELP = `Sends images of handwritten digits to a model, as its users would.

node send.ts <endpoint> [options]

  <endpoint>            http://127.0.0.1:7071/<project>/<environment>/v2/models/<model>
  --token <token>       for the endpoint, where it wants one
  --count <n>           how many images (500)
  --per-second <n>      how fast (as fast as --concurrency allows)
  --concurrency <n>     requests on the way at once (8)
  --rotate <degrees>    turn the images, each by a few degrees more or less
  --noise <ink>         add noise: its standard deviation; a pixel is 0 to 16
  --blanks <share>      this share of the images is blank, 0 to 1
  --seed <n>            the same seed sends the same images (1)
  --label <server>      afterwards, tell this server what was really written
  --label-token <token> with the right to add labels
  --project <name>      whose labels they are
  --environment <name>  (production)

Prints counts as JSON. Ends with 1 when a request failed.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    token: { type: 'string' },
    count: { type: 'string', default: '500' },
    'per-second': { type: 'string' },
    concurrency: { type: 'string', default: '8' },
    rotate: { type: 'string', default: '0' },
    noise: { type: 'string', default: '0' },
    blanks: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    label: { type: 'string' },
    'label-token': { type: 'string', default: '' },
    project: { type: 'string', default: 'digits' },
    environment: { type: 'string', default: 'production' },
    help: { type: 'boolean', default: false },
  },
})

const [endpoint] = positionals
if (values.help || !endpoint) {
  console.log(HELP)
  process.exit(values.help ? 0 : 2)
}

const drift = { degrees: number('rotate'), noise: number('noise') }
const traffic = await sendTraffic({
  endpoint,
  count: number('count'),
  concurrency: number('concurrency'),
  blanks: number('blanks'),
  seed: number('seed'),
  ...(values.token && { token: values.token }),
  ...(values['per-second'] && { perSecond: number('per-second') }),
  ...((drift.degrees !== 0 || drift.noise !== 0) && { drift }),
})
const labels = values.label
  ? await sendLabels(traffic.answers, {
      server: values.label,
      token: values['label-token'],
      project: values.project,
      environment: values.environment,
    })
  : 0
console.log(JSON.stringify({ ...traffic.counts, labels }))
process.exitCode = traffic.counts.failed > 0 ? 1 : 0

function number(name: 'count' | 'per-second' | 'concurrency' | 'rotate' | 'noise' | 'blanks' | 'seed'): number {
  const value = Number(values[name])
  if (Number.isFinite(value)) return value
  console.error(`--${name} must be a number, not "${values[name]}"`)
  process.exit(2)
}
