import { spawnSync } from 'node:child_process'

/** Runs a command and gives what it printed; what it printed is the error too. */
export function run(folder: string, command: string, ...args: readonly string[]): string {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined }
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8', env })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`)
  return stdout
}
