// Only the rows of a long list that can be seen are in the document.

import { useEffect, useRef, useState } from 'preact/hooks';

/** Browsers limit the height of elements. Longer lists scroll in proportion. */
const TALLEST = 8_000_000;

export interface VirtualRows {
  readonly ref: { current: HTMLElement | null };
  readonly first: number;
  readonly end: number;
  /** Pixels before the first row, and after the last. */
  readonly before: number;
  readonly after: number;
  /** Scrolls to a row. */
  show(row: number): void;
}

/** The rows of a scrolling element that can be seen. */
export function useVirtualRows(count: number, height: number): VirtualRows {
  const ref = useRef<HTMLElement>(null);
  const [seen, setSeen] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const look = (): void => setSeen({ top: element.scrollTop, height: element.clientHeight });
    look();
    element.addEventListener('scroll', look, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', look);
      observer.disconnect();
    };
  }, []);
  const tall = Math.min(count * height, TALLEST);
  const rows = Math.ceil(seen.height / height) + 1;
  const furthest = Math.max(1, tall - seen.height);
  const share = Math.min(1, seen.top / furthest);
  const isScaled = count * height > TALLEST;
  const at = isScaled ? Math.floor(share * Math.max(0, count - rows + 1)) : Math.floor(seen.top / height);
  const first = Math.max(0, Math.min(at - 8, count));
  const end = Math.min(count, at + rows + 8);
  const before = isScaled ? Math.max(0, seen.top - (at - first) * height) : first * height;
  return {
    ref,
    first,
    end,
    before,
    after: Math.max(0, tall - before - (end - first) * height),
    show(row) {
      const element = ref.current;
      if (element === null) return;
      const place = isScaled ? (row / count) * furthest : row * height - element.clientHeight / 3;
      element.scrollTop = Math.max(0, place);
    },
  };
}
