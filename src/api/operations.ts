import { getAcceptance, judgeCase, signAcceptance } from './acceptance.ts'
import {
  addPerson,
  createToken,
  grantRole,
  listPeople,
  listSecrets,
  removeSecret,
  revokeToken,
  rotateSecretsKey,
  setSecret,
  whoAmI,
  withdrawRole,
} from './access.ts'
import { getArtifact, listArtifacts } from './artifacts.ts'
import { getChampion, getVersionContent } from './champion.ts'
import {
  approveDeployment,
  clearRefusal,
  deployVersion,
  getDeployment,
  listDeployments,
  rejectDeployment,
  resumeDeployment,
  rollBack,
} from './deployments.ts'
import {
  approveDataset,
  findMissingContent,
  getDatasetContent,
  joinContent,
  listDatasets,
  pushDataset,
  putContent,
  rejectDataset,
  showDataset,
} from './datasets.ts'
import { listAlerts, listMonitorWindows, sendLabels } from './monitoring.ts'
import { addProject, getProject, lintProject, listEnvironments, listProjects, setProject } from './projects.ts'
import {
  cancelRun,
  followLog,
  getLog,
  getReport,
  getLogTimes,
  getRun,
  listRuns,
  rerunRun,
  searchLog,
  startRun,
  waiveGate,
} from './runs.ts'
import { collectGarbage, followEvents, getHealth, lintText, listEvents } from './system.ts'
import { getTest, listCoverage, listTestedRuns, listTests, quarantineTest, releaseTest } from './tests.ts'
import { getBillOfMaterials, getLineage, listVersions } from './versions.ts'

/** Every operation there is. Each states its role; `http/routes/` has one handler for each name. */
export const OPERATIONS = {
  getHealth,
  whoAmI,
  withdrawRole,
  listProjects,
  getProject,
  lintProject,
  addProject,
  setProject,
  listEnvironments,
  listRuns,
  getRun,
  startRun,
  cancelRun,
  rerunRun,
  waiveGate,
  getReport,
  listArtifacts,
  getArtifact,
  getLog,
  getLogTimes,
  searchLog,
  followLog,
  listTests,
  listTestedRuns,
  getTest,
  quarantineTest,
  releaseTest,
  listCoverage,
  listVersions,
  getLineage,
  getBillOfMaterials,
  getChampion,
  getVersionContent,
  listDeployments,
  getDeployment,
  deployVersion,
  approveDeployment,
  rejectDeployment,
  resumeDeployment,
  rollBack,
  clearRefusal,
  getAcceptance,
  judgeCase,
  signAcceptance,
  listDatasets,
  showDataset,
  approveDataset,
  rejectDataset,
  pushDataset,
  findMissingContent,
  getDatasetContent,
  putContent,
  joinContent,
  listAlerts,
  listMonitorWindows,
  sendLabels,
  listEvents,
  followEvents,
  listPeople,
  addPerson,
  createToken,
  grantRole,
  revokeToken,
  rotateSecretsKey,
  setSecret,
  listSecrets,
  removeSecret,
  lintText,
  collectGarbage,
} as const

export type Operations = typeof OPERATIONS
export type OperationName = keyof Operations

/** All paths stand under this. */
export const API_ROOT = '/api/v1'
