import { deliveredProject } from '../stages/delivery-story.ts'
import { approve, deployAgain, pushVersion, reaches, reject, resumeUntilLive, sign, takeBack } from './delivering.ts'
import type { Story } from './story.ts'

const CASES = `${JSON.stringify({
  id: 'one',
  inputs: [{ name: 'x', shape: [1, 4], datatype: 'INT64', data: [1, 9, 1, 1] }],
  expected: 1,
})}\n`

/** A project with a committed model, delivered to these environments. */
function delivered(environments: string): Story['files'] {
  return () => deliveredProject(environments, { files: { 'cases.jsonl': CASES } })
}

/** One whose model is a program, which does this instead of serving once it is deployed. */
function served(instead: string): Story['files'] {
  return () => ({
    'note.txt': 'first\n',
    'start.sh': `case "$PWD" in */bundles/*) ${instead};; esac\nexec python serve.py\n`,
    'serve.py': SERVE,
    'tidegate.yaml': `model: { path: model.txt, include: [note.txt, start.sh, serve.py], serve: { run: "sh start.sh" } }
steps:
  train: { run: echo trained > model.txt, outs: [model.txt] }
environments:
  production: { approval: none }
`,
  })
}

/** It says that it is ready, and what it takes. */
const SERVE = `import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        told = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 2]}], "outputs": [{"name": "label", "datatype": "INT64", "shape": [-1]}]}
        raw = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`

async function firstIsLive(teller: Parameters<Story['play']>[0]): Promise<void> {
  await pushVersion(teller, 1)
  await approve(teller, 1)
  await reaches(teller, 1, 'production', 'live')
}

/** A window that is closed now and for the next days. */
function closedWindow(): string {
  const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
  return `window: { days: [${days[(new Date().getUTCDay() + 3) % 7]}], hours: "09:00-10:00" }`
}

/** Everything that happens to deployments, sessions and what serves. */
export const DELIVERY_STORIES: readonly Story[] = [
  {
    name: 'accepted',
    only: ['queued admit', 'rolling-out ask-testers', 'awaiting-acceptance accept', 'open accept', 'live replace'],
    files: delivered(
      '  staging: { acceptance: { testers: [tess], required: 1, cases: cases.jsonl } }\n  production: { approval: { reviewers: [admin] } }\n',
    ),
    async play(teller) {
      await pushVersion(teller, 1)
      await sign(teller, 1, 'accept')
      await reaches(teller, 1, 'production', 'awaiting-approval')
      await pushVersion(teller, 2)
      await sign(teller, 2, 'accept')
      await reaches(teller, 1, 'production', 'superseded')
      await reject(teller, 2)
      await reaches(teller, 2, 'production', 'rejected')
    },
  },
  {
    name: 'refused-by-testers',
    only: [
      'awaiting-acceptance supersede',
      'open void',
      'awaiting-acceptance reject',
      'open reject',
      'awaiting-acceptance roll-back',
    ],
    files: delivered(
      '  staging: { acceptance: { testers: [tess], required: 1, cases: cases.jsonl } }\n  production: { approval: { reviewers: [admin] } }\n',
    ),
    async play(teller) {
      await pushVersion(teller, 1)
      await reaches(teller, 1, 'staging', 'awaiting-acceptance')
      await pushVersion(teller, 2)
      await reaches(teller, 1, 'staging', 'superseded')
      await sign(teller, 2, 'reject')
      await reaches(teller, 2, 'staging', 'rejected')
      await pushVersion(teller, 3)
      await reaches(teller, 3, 'staging', 'awaiting-acceptance')
      await takeBack(teller, 3, 'staging')
      await reaches(teller, 3, 'staging', 'rolled-back')
    },
  },
  {
    name: 'held',
    only: [
      'rolling-out hold',
      'held resume',
      'held roll-back',
      'live roll-back',
      'rolling-out finish',
      'rolling-back settle',
    ],
    files: delivered('  production: { approval: none, rollout: [{ weight: 50%, min-requests: 1, at-most: 1s }] }\n'),
    async play(teller) {
      await firstIsLive(teller)
      await pushVersion(teller, 2)
      await reaches(teller, 2, 'production', 'held')
      await resumeUntilLive(teller, 2)
      await takeBack(teller, 2, 'production')
      await reaches(teller, 2, 'production', 'rolled-back')
      await pushVersion(teller, 3)
      await reaches(teller, 3, 'production', 'held')
      await takeBack(teller, 3, 'production')
      await reaches(teller, 3, 'production', 'rolled-back')
    },
  },
  {
    name: 'slow',
    only: ['queued supersede', 'rolling-out roll-back'],
    files: delivered('  production: { approval: none, rollout: [{ weight: 50%, for: 1h }] }\n'),
    async play(teller) {
      await firstIsLive(teller)
      await pushVersion(teller, 2)
      await reaches(teller, 2, 'production', 'rolling-out')
      await pushVersion(teller, 3)
      await reaches(teller, 3, 'production', 'queued')
      await pushVersion(teller, 4)
      await reaches(teller, 3, 'production', 'superseded')
      await takeBack(teller, 2, 'production')
      await reaches(teller, 4, 'production', 'rolling-out')
    },
  },
  {
    name: 'expired',
    only: ['awaiting-approval expire'],
    files: delivered('  production: { approval: { reviewers: [admin], expires: 1s } }\n'),
    async play(teller) {
      await pushVersion(teller, 1)
      await reaches(teller, 1, 'production', 'expired')
    },
  },
  {
    name: 'too-early',
    only: ['approved supersede', 'approved start'],
    files: delivered(`  production: { approval: { reviewers: [admin] }, ${closedWindow()} }\n`),
    async play(teller) {
      await pushVersion(teller, 1)
      await approve(teller, 1)
      await reaches(teller, 1, 'production', 'approved')
      await pushVersion(teller, 2)
      await reaches(teller, 1, 'production', 'superseded')
    },
  },
  {
    name: 'twice',
    only: ['approved fail'],
    files: delivered('  production: { approval: { reviewers: [admin] }, rollout: [{ weight: 50%, for: 1h }] }\n'),
    async play(teller) {
      await firstIsLive(teller)
      await pushVersion(teller, 2)
      await approve(teller, 2)
      await reaches(teller, 2, 'production', 'rolling-out')
      await deployAgain(teller, 2)
      await approve(teller, 2)
      await reaches(teller, 2, 'production', 'approved')
      await takeBack(teller, 2, 'production')
      await reaches(teller, 2, 'production', 'failed')
    },
  },
  {
    name: 'dead-on-arrival',
    only: ['starting fail'],
    files: served('exit 1'),
    async play(teller) {
      await pushVersion(teller, 1)
      await approve(teller, 1)
      await reaches(teller, 1, 'production', 'failed')
    },
  },
  {
    name: 'never-ready',
    only: ['starting roll-back'],
    files: served('sleep 1000'),
    async play(teller) {
      await pushVersion(teller, 1)
      await approve(teller, 1)
      await reaches(teller, 1, 'production', 'starting')
      await takeBack(teller, 1, 'production')
      await reaches(teller, 1, 'production', 'rolled-back')
    },
  },
]
