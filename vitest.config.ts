import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const onServers = {
  globalSetup: ['spec/services/support/setup.ts'],
  testTimeout: 120_000,
  hookTimeout: 120_000,
}

export default defineConfig({
  // The examples import the package by its name; without a build that is its sources, as in tsconfig's `paths`.
  resolve: {
    alias: [
      { find: /^rxjs-kafka-toolkit$/, replacement: source('lib/index.ts') },
      { find: /^rxjs-kafka-toolkit\/operators$/, replacement: source('operators/index.ts') },
      { find: /^rxjs-kafka-toolkit\/testing$/, replacement: source('lib/testing/index.ts') },
    ],
  },
  test: {
    coverage: { provider: 'v8', include: ['lib/**/*.ts', 'operators/**/*.ts'], reporter: ['text', 'json'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['spec/**/*.spec.ts'],
          exclude: ['spec/services/**', 'spec/package/**'],
          // A thread starts in less time than a process. Vitest by itself leaves a core idle.
          pool: 'threads',
          maxWorkers: '100%',
          // Vitest refuses projects of different `maxWorkers` in one group: these come after the others.
          sequence: { groupOrder: 1 },
          // For thousands of runs of a property on a busy machine: no spec waits for a real clock.
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: ['spec/package/**/*.spec.ts'],
          globalSetup: ['spec/package/support/setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'services',
          include: ['spec/services/**/*.spec.ts'],
          exclude: ['spec/services/crash/**'],
          ...onServers,
        },
      },
      {
        extends: true,
        test: {
          // Apart from the others: it kills and doubles processes in the midst of some seconds of work.
          name: 'crash',
          include: ['spec/services/crash/**/*.spec.ts'],
          fileParallelism: false,
          ...onServers,
        },
      },
    ],
  },
})
