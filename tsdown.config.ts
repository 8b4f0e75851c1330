import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: { index: 'lib/index.ts', operators: 'operators/index.ts', testing: 'lib/testing/index.ts' },
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20.19',
  dts: true,
  fixedExtension: false,
  sourcemap: false,
})
