// The text of a page: one file without addresses of others. The policy allows the page's own script and nothing else, so
// whatever stands in names, sources and reports is text.

import { createHash } from 'node:crypto';
import { escapeHtml } from '../algorithms/escape-html.ts';
import { DATA_ELEMENT, type PageData } from '../page-app/page-data.ts';

/** Where a page gets what it shows. */
export interface DocumentOptions {
  /** The code of the page, which was built of src/page-app. */
  readonly script: string;
  /** The page asks the server that it came from for profiles. */
  readonly connects?: boolean;
}

/** The policy of a page with this script. */
export function policyOf({ script, connects = false }: DocumentOptions): string {
  const hash = createHash('sha256').update(inScript(script)).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'sha256-${hash}'`,
    'img-src data:',
    ...(connects ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** The whole page. */
export function documentText(data: PageData, options: DocumentOptions): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf(options)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(data.title)}</title>
<link rel="icon" href="data:,">
</head>
<body>
<div id="heapline"><noscript>This page draws a profile, for which it needs JavaScript. It loads nothing from elsewhere.</noscript></div>
<script type="application/json" id="${DATA_ELEMENT}">${inElement(data)}</script>
<script>${inScript(options.script)}</script>
</body>
</html>
`;
}

/** JSON that ends no element and begins no comment. */
function inElement(data: PageData): string {
  return JSON.stringify(data).replaceAll('<', '\\u003c');
}

/** A script that does not end its element. */
function inScript(script: string): string {
  return script.replace(/<(?=\/script|!--)/gi, '\\x3c');
}
