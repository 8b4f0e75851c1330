import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { type Mutant, patched } from './mutant.ts'

const LEFT_OUT = ['node_modules', '.git', 'dist', 'coverage']

/** A copy of the repository in which mutants are tried, one after the other. */
export class Workshop {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async open(): Promise<Workshop> {
    const root = resolve('.')
    const folder = await mkdtemp(join(tmpdir(), 'mutants-'))
    const isCopied = (path: string) => !LEFT_OUT.includes(basename(path))
    await cp(root, folder, { recursive: true, filter: isCopied })
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    return new Workshop(folder)
  }

  /** Does work on the sources with a mutant's patches, and puts the sources back. */
  async with<T>({ patches }: Mutant, work: () => Promise<T>): Promise<T> {
    const originals = new Map<string, string>()
    try {
      for (const patch of patches) {
        const path = join(this.folder, patch.file)
        const source = await readFile(path, 'utf8')
        if (!originals.has(path)) originals.set(path, source)
        await writeFile(path, patched(source, patch))
      }
      return await work()
    } finally {
      for (const [path, source] of originals) await writeFile(path, source)
    }
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}
