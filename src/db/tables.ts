import type { Generated } from 'kysely'
import type { AcceptanceState, AlertState, DeploymentState } from '../core/deployment-state.ts'
import type { DatasetState } from '../core/dataset-state.ts'
import type { AttemptState, CancelMode, EndReason, RunState, StepState } from '../core/run-state.ts'
import type { EventKind } from '../core/events.ts'
import type { Priority } from '../core/priority.ts'
import type { Role } from '../core/roles.ts'

/**
 * Every table and its rows. A table belongs to one part, named above it, and only that part's `*.sql.ts`
 * names it. Times are UTC epoch milliseconds. Columns typed `Json` hold JSON as text, the same on SQLite
 * and Postgres; flags are 0 or 1.
 */
export interface Tables {
  // db
  meta: { key: string; value: string }
  events: { id: Generated<number>; at: number; kind: EventKind; project: string | null; subject: string; data: Json }
  cursors: { consumer: string; last_id: number }

  // source
  projects: {
    name: string
    default_branch: string
    path: string
    priority: Priority
    /** The name of the repository it is in. */
    repository: string
    created_at: number
    created_by: string
  }
  pushes: { id: string; repository: string; person: string; at: number }
  /** When each schedule of the default branch's file comes due next. */
  schedules: {
    project: string
    cron: string
    timezone: string
    next_at: number
    last_at: number | null
    /** The run it started last. */
    last_run: string | null
  }
  push_updates: { push_id: string; ref: string; old_commit: string; new_commit: string; handled_at: number | null }

  // access
  /** `email` ties the authors of commits to people, so that they do not approve their own change. */
  people: { name: string; display_name: string; email: string | null; created_at: number; disabled_at: number | null }
  groups: { name: string; created_at: number }
  group_members: { group_name: string; person: string }
  /** `project` is `*` for all; `subject` is a person's name or `group:<name>`. */
  memberships: { project: string; subject: string; role: Role }
  tokens: {
    id: string
    person: string
    hash: string
    label: string
    /** Set for a step's own token: it reads and writes this run only. */
    run_id: string | null
    created_at: number
    expires_at: number | null
    revoked_at: number | null
  }
  secrets: { project: string; name: string; sealed: string; updated_at: number; updated_by: string }

  // engine
  runs: RunRow
  run_plans: RunPlanRow
  steps: StepRow
  attempts: AttemptRow
  step_cache: {
    /** `*`, or the project for steps with secrets. */
    scope: string
    key: string
    outputs: Json
    /** What went into the key, by name, so that a miss can say what differs. */
    parts: Json
    project: string
    step: string
    run_id: string
    created_at: number
    used_at: number
  }

  // build
  datasets: {
    id: Generated<number>
    project: string
    path: string
    digest: string
    artifact: Json
    rows: number | null
    run_id: string
    frozen_at: number
    /** Of the source as it was declared; null before that was kept. */
    identity: string | null
  }
  dataset_versions: {
    id: Generated<number>
    project: string
    path: string
    digest: string
    artifact: Json
    rows: number | null
    identity: string
    state: DatasetState
    run_id: string | null
    pushed_by: string | null
    asked_at: number
    decided_by: string | null
    decided_at: number | null
    reason: string | null
  }
  findings: {
    run_id: string
    /** The step that found it. */
    step: string
    position: number
    severity: string
    file: string
    line: number
    column: number
    message: string
  }

  // reports
  /** Of every attempt: what an earlier one said is how flaky tests are known. */
  test_results: {
    run_id: string
    step: string
    attempt: number
    position: number
    project: string
    commit_id: string
    at: number
    suite: string
    name: string
    /** Empty where the runner does not say it. */
    file: string
    state: TestState
    seconds: number
    /** Tries before the one that counts, by the runner itself. */
    retries: number
    /** 1: it failed while it was in quarantine. */
    quarantined: number
    /** 1: of the attempt that counts. */
    latest: number
    /** 1: it ran; 0: it was taken over from another run. */
    fresh: number
    message: string
    detail: string
  }
  /** The attempt that counts, in figures: they stay when the rows of single tests are past their time. */
  tested_steps: {
    run_id: string
    step: string
    project: string
    at: number
    passed: number
    /** Those in quarantine are not among them. */
    failed: number
    skipped: number
    quarantined: number
    /** Of all tests together. */
    seconds: number
    /** 1: they ran; 0: they were taken over from another run. */
    fresh: number
  }
  /** One row for each test there has been, with what its last run said. */
  known_tests: {
    project: string
    suite: string
    name: string
    file: string
    state: TestState
    /** A moving average: a run counts three tenths. */
    seconds: number
    runs: number
    failures: number
    flakes: number
    first_at: number
    last_at: number
    last_run: string
    last_step: string
  }
  test_flakes: {
    project: string
    suite: string
    name: string
    run_id: string
    step: string
    commit_id: string
    how: string
    at: number
  }
  quarantined_tests: {
    project: string
    suite: string
    name: string
    reason: string
    person: string
    at: number
    until: number
  }
  coverage: {
    run_id: string
    step: string
    project: string
    branch: string
    commit_id: string
    at: number
    lines: number
    covered: number
    changed_lines: number | null
    changed_covered: number | null
    /** What it is compared with. */
    base_run: string | null
    base_commit: string | null
    /** Of a split suite: how many of its members have said what they covered. */
    members: number | null
    members_of: number | null
  }
  /** What a member of a split suite (`step`) covered: `1-3,7;4-6`, lines that ran and lines that did not. */
  coverage_shares: { run_id: string; step: string; member: string; path: string; hits: string }
  coverage_files: {
    run_id: string
    step: string
    path: string
    lines: number
    covered: number
    changed_lines: number | null
    changed_covered: number | null
  }

  // tracking
  metrics: { run_id: string; step: string; name: string; value: number }

  // evaluation
  gates: {
    run_id: string
    position: number
    title: string
    spec: Json
    outcome: 'pass' | 'fail' | 'inconclusive' | 'not-applicable'
    summary: string
    evidence: Json
    decided_at: number
    waived_by: string | null
    waived_reason: string | null
  }
  reports: { run_id: string; project: string; html: string; markdown: string; created_at: number }

  // registry
  versions: {
    project: string
    model: string
    version: number
    bundle: string
    manifest: Json
    run_id: string
    metrics: Json
    lineage: Json
    created_at: number
  }

  // delivery
  deployments: DeploymentRow
  approvals: {
    deployment_id: string
    person: string
    decision: 'approve' | 'reject'
    bundle: string
    comment: string
    at: number
  }
  acceptance_sessions: {
    id: string
    deployment_id: string
    project: string
    version: number
    bundle: string
    champion: string | null
    cases_digest: string
    testers: Json
    required: number
    blind: number
    state: AcceptanceState
    created_at: number
    ended_at: number | null
  }
  acceptance_cases: {
    session_id: string
    position: number
    case_id: string
    spec: Json
    candidate: Json
    champion: Json | null
  }
  verdicts: {
    id: Generated<number>
    session_id: string
    case_id: string
    person: string
    verdict: string
    comment: string
    at: number
  }
  signatures: {
    session_id: string
    person: string
    decision: 'accept' | 'reject'
    comment: string
    digest: string
    at: number
  }
  refused_bundles: {
    project: string
    environment: string
    bundle: string
    reason: string
    deployment_id: string
    at: number
    cleared_by: string | null
    cleared_at: number | null
  }

  // monitoring
  labels: {
    id: Generated<number>
    project: string
    environment: string
    prediction_id: string
    row: number
    label: string
    recorded_at: number
    person: string
  }
  monitor_windows: {
    id: Generated<number>
    project: string
    environment: string
    monitor: string
    version: number
    from_at: number
    to_at: number
    rows: number
    state: 'ok' | 'trouble' | 'too-few-rows'
    summary: string
    evidence: Json
    at: number
  }
  alerts: {
    id: string
    project: string
    environment: string
    monitor: string
    kind: string
    version: number
    state: AlertState
    summary: string
    evidence: Json
    fired_at: number
    resolved_at: number | null
  }
  actions: {
    id: string
    alert_id: string
    kind: string
    outcome: 'done' | 'refused' | 'failed'
    detail: string
    run_id: string | null
    at: number
  }
}

type TestState = 'passed' | 'failed' | 'error' | 'skipped'

/** JSON as text. */
export type Json = string

export interface RunRow {
  /** `project#number`. */
  id: string
  project: string
  number: number
  commit_id: string
  branch: string
  tag: string | null
  event: string
  title: string
  state: RunState
  reason: string | null
  /** Who pushed or started it: the token's person. */
  person: string
  /** People who committed, pushed or started: they may not approve or sign. */
  authors: Json
  /** Makes creation idempotent: the same push, alert or request is one run. */
  dedupe_key: string
  parent_run: string | null
  alert_id: string | null
  source_tree: string
  /** Gates, environments and notifications of the default branch before this change. */
  rules: Json
  problems: Json
  concurrency_group: string | null
  /** Set while it is `cancelling`, and afterwards. */
  cancel_mode: CancelMode | null
  /** 1: a rerun for somebody who wants to look; workspaces are kept whatever the outcome. */
  debug: number
  created_at: number
  started_at: number | null
  ended_at: number | null
}

/** What a run was planned from, and the plan: long, and never changed. */
export interface RunPlanRow {
  run_id: string
  pipeline_text: string
  plan: Json
}

export interface StepRow {
  run_id: string
  key: string
  position: number
  stage: string
  kind: 'command' | 'task'
  state: StepState
  reason: EndReason | null
  message: string | null
  /** Why it waits, was skipped, hit or missed the cache: a sentence. */
  why: string | null
  cache: 'hit' | 'miss' | 'off' | null
  cache_key: string | null
  /** `StepOutputs` of the engine. */
  outputs: Json | null
  attempt: number
  started_at: number | null
  ended_at: number | null
}

export interface AttemptRow {
  /** `project#12/step/1`. */
  id: string
  run_id: string
  step: string
  number: number
  state: AttemptState
  reason: EndReason | null
  message: string | null
  executor: string
  handle: string | null
  folder: string
  exit_code: number | null
  log_bytes: number
  log_lost_bytes: number
  /** What it left in its `checkpoint` folders, `ArtifactRef`s by path. */
  checkpoint: Json | null
  created_at: number
  started_at: number | null
  ended_at: number | null
}

export interface DeploymentRow {
  id: string
  project: string
  environment: string
  /** Place of the environment in the file's order, from 0. */
  position: number
  model: string
  version: number
  bundle: string
  state: DeploymentState
  reason: string | null
  /** `EnvironmentSpec` it is delivered under. */
  rules: Json
  /** The version it replaces, when there is one. */
  champion: number | null
  run_id: string
  requested_by: string
  authors: Json
  /** Index of the rollout phase, and the challenger's share of traffic, 0..1. */
  phase: number
  weight: number
  phase_started_at: number | null
  epoch: string
  created_at: number
  approved_at: number | null
  live_at: number | null
  ended_at: number | null
}
