import { defineConfig, type DummyRuleMap } from 'oxlint'
import { LAYERS, type Layer } from './tools/layers.ts'

const folders = Object.keys(LAYERS)

/** Forbids what the import table does not name; relative imports only, since the project has no aliases. */
function wall(folder: string, layer: Layer): DummyRuleMap {
  const closed = folders.filter((other) => other !== folder && !layer.mayImport.includes(other))
  const may = layer.mayImport.join(', ') || 'nothing of ours'
  return {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^(\\.\\./)+(${closed.join('|')})/`,
            message: `${folder}/ may import only: ${may} (tools/layers.ts)`,
          },
          { regex: '^(\\.\\./)+(app|main)\\.ts$', message: 'nobody imports the composition root' },
        ],
      },
    ],
  }
}

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'promise', 'node'],
  categories: { correctness: 'error', suspicious: 'error' },
  options: { typeAware: true },
  ignorePatterns: ['dist/**', 'web/dist/**', 'examples/**', 'node_modules/**'],
  rules: {
    'import/no-cycle': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/consistent-type-imports': 'error',
    'no-empty': ['error', { allowEmptyCatch: false }],
    'no-console': 'off',
    'import/no-unassigned-import': 'off',
    'no-await-in-loop': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'no-underscore-dangle': 'off',
    'no-shadow': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/consistent-return': 'off',
    'unicorn/no-useless-undefined': 'off',
    'promise/always-return': 'off',
    'promise/catch-or-return': 'off',
  },
  overrides: [
    ...Object.entries(LAYERS).map(([folder, layer]) => ({ files: [`src/${folder}/**`], rules: wall(folder, layer) })),
    {
      files: ['src/cli/local/**'],
      // Commands that run on this machine compose the parts through app.ts.
      rules: { 'no-restricted-imports': 'off' },
    },
    { files: ['**/*.test.ts', 'tests/**'], rules: { 'typescript/no-non-null-assertion': 'off' } },
  ],
})
