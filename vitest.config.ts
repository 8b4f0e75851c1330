import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    coverage: { provider: 'v8', include: ['lib/**/*.ts', 'operators/**/*.ts'], reporter: ['text', 'json'] },
    projects: [
      { test: { name: 'unit', include: ['spec/**/*.spec.ts'], exclude: ['spec/services/**'] } },
      {
        test: {
          name: 'services',
          include: ['spec/services/**/*.spec.ts'],
          globalSetup: ['spec/services/support/setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
