import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

export interface CommandOptions {
  readonly cwd?: string
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Receives what the command prints. */
  readonly log: string
}

/** Runs a command to its end and rejects with the tail of its log when it fails. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { cwd, env, log }: CommandOptions,
): Promise<void> {
  const output = await open(log, 'a')
  try {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', output.fd, output.fd],
    })
    const code = await new Promise<number | string>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (status, signal) => resolve(status ?? signal ?? 'unknown'))
    })
    if (code !== 0)
      throw new Error(`${command} ${args[0] ?? ''} ended with ${code}; the end of ${log}:\n${await tail(log)}`)
  } finally {
    await output.close()
  }
}

/** Resolves to what a command prints on its standard output. */
export function readCommand(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    const printed: string[] = []
    const complaints: string[] = []
    child.stdout.setEncoding('utf8').on('data', (text: string) => printed.push(text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(printed.join(''))
      else
        reject(
          new Error(
            `${command} ${args.join(' ')} ended with ${code}: ${complaints.join('').trim() || printed.join('').trim()}`,
          ),
        )
    })
  })
}

/** The last lines of a text file, or nothing when there is no such file. */
export async function tail(file: string, lines = 25): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}

/** The path of a program that the machine has, or undefined. */
export function findTool(tool: string): string | undefined {
  const { PATH = '' } = process.env
  return PATH.split(delimiter)
    .map((folder) => join(folder, tool))
    .find(isExecutable)
}

/** Rejects a machine without `tool` in one line: what is missing, what for, how to get it. */
export function requireTool(tool: string, purpose: string, remedy: string): string {
  const path = findTool(tool)
  if (path === undefined) throw new Error(`${tool} is missing; it is needed ${purpose}: ${remedy}`)
  return path
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
