// Links between the pages of the documentation: each names a file that is there and a heading that is in it.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const pagesBelow = (folder: string): string[] =>
  (readdirSync(join(root, folder), { recursive: true }) as string[])
    .filter((file) => file.endsWith('.md') && !file.includes('node_modules'))
    .map((file) => join(folder, file));
const pages = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...pagesBelow('docs'),
  ...pagesBelow('examples'),
];

const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');
const withoutCode = (text: string): string => text.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '');

/** The anchors of a page, as GitHub makes them of headings, and those that are written out. */
function anchorsOf(page: string): Set<string> {
  const text = textOf(page).replace(/^```.*?^```$/gms, '');
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)"/g)].map(([, id]) => id!)]);
}

/** What is wrong with a link of a page; null when nothing is. */
function fault(page: string, link: string): string | null {
  const [path, anchor] = link.split('#') as [string, string?];
  const file = path === '' ? page : relative(root, resolve(root, dirname(page), path));
  if (!existsSync(join(root, file))) return `${page}: ${link} names no file`;
  if (anchor === undefined || statSync(join(root, file)).isDirectory()) return null;
  return anchorsOf(file).has(anchor) ? null : `${page}: ${link} names no heading`;
}

function linksOf(page: string): string[] {
  const links = [...withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
  return links.filter((link) => !/^[a-z]+:/.test(link));
}

describe('the documentation', () => {
  it('has no link that leads nowhere', () => {
    const links = pages.flatMap((page) => linksOf(page).map((link) => [page, link] as const));
    expect(links.length).toBeGreaterThan(300);
    expect(links.map(([page, link]) => fault(page, link)).filter((text) => text !== null)).toEqual([]);
  });

  it('is listed page by page in docs/README.md', () => {
    const listed = linksOf('docs/README.md').map((link) => join('docs', link));
    const own = pagesBelow('docs').filter(
      (page) => !page.startsWith('docs/api/') && page !== 'docs/README.md',
    );
    expect(own.filter((page) => !listed.includes(page))).toEqual([]);
  });

  it('has a README of at most 120 lines', () => {
    expect(textOf('README.md').split('\n').length).toBeLessThanOrEqual(120);
  });
});
