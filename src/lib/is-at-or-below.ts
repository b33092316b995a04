/** Whether a path is this folder, written without a slash at its end, or lies in it. All relative paths lie in `''`. */
export function isAtOrBelow(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`)
}
