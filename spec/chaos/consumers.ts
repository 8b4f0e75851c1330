import { fileURLToPath } from 'node:url'
import { bundleMembers } from './bundle.ts'
import { faustProgram } from './faust.ts'
import type { Program } from './member.ts'
import type { Job } from './members/job.ts'

export const consumerNames = ['ours', 'eachMessage', 'faust'] as const
export type ConsumerName = (typeof consumerNames)[number]

/** What is put through the faults. */
export interface Consumer {
  readonly name: ConsumerName
  program(job: Job): Program
}

/** Makes ready what is to be run. */
export async function consumerNamed(name: ConsumerName, say: (line: string) => void): Promise<Consumer> {
  if (name === 'faust') {
    const faust = await faustProgram(fileURLToPath(new URL('members/faustMember.py', import.meta.url)), say)
    return { name, program: faust }
  }
  const program = await bundleMembers(name)
  return { name, program: (job) => ({ command: process.execPath, args: [program, JSON.stringify(job)] }) }
}
