// What the build takes out of the JavaScript in dist/.

import { expect, it } from 'vitest';
import { withoutDocumentation } from '../../scripts/without-comments.ts';

it('takes out documentation, and keeps the numbers of lines', () => {
  const code = 'class A {\n  /**\n   * Says a.\n   */\n  a() {\n    // quickly\n    return 1;\n  }\n}\n';
  expect(withoutDocumentation(code)).toBe('class A {\n\n\n\n  a() {\n\n    return 1;\n  }\n}\n');
});

it('keeps text that only looks like a comment', () => {
  const code = 'const a = `\n// text\n/* text */\n`;\nconst b = /\\/\\*/;\nconst c = "/* text */";\n';
  expect(withoutDocumentation(code)).toBe(code);
});

it('keeps licences, the names of sources, source maps and marks for bundlers', () => {
  const code = [
    '/*! @license MIT */',
    '// src/index.ts',
    'var a = /* @__PURE__ */ new Map();',
    'var b = 1; // a word',
    '//# sourceMappingURL=index.js.map',
    '',
  ].join('\n');
  expect(withoutDocumentation(code)).toBe(code);
});
