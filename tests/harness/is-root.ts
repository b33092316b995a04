/** Only root makes users, mounts and control groups. Tests of these are skipped for everybody else; CI runs them all. */
export const IS_ROOT = process.getuid?.() === 0
