// The pages, one under the other. Only the rows in view and one on either side are in the document; the scrollbar is honest
// nevertheless, as every row's place is known. What is in view stays in view when the room, the zoom or the pages change.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { PageSummary } from "../api/types";
import { type Columns, columns, offsets, panelHeight, rowAt } from "./offsets";
import { PageRow } from "./row";
import { useReader } from "./state";

const SLACK = 40; // px: a row this close under the toolbar is the current one

/** The page at the top, and how far (0–1) its row has scrolled by. */
interface Anchor {
  page: number;
  part: number;
}

/** `first` is the page to begin with; `covered` px of the window's top are under the toolbar. */
export function PageList({ pages, first, covered }: { pages: readonly PageSummary[]; first: number | null; covered: number }) {
  const reader = useReader();
  const holder = useRef<HTMLDivElement>(null);
  const width = useWidth(holder);
  const wide = useMemo(() => columns({ width, zoom: reader.zoom.value }), [width, reader.zoom.value]);
  const starts = useMemo(() => offsets(pages, wide), [pages, wide]);
  const [shown, setShown] = useState<[number, number]>([0, 0]);
  const [held, setHeld] = useState<number | null>(null);
  const anchor = useRef<Anchor | null>(first ? { page: first, part: 0 } : null);
  const jumped = useRef<number | null>(null); // where the last jump ended: until the reader scrolls, its page is the current one

  const toTop = () => (holder.current?.getBoundingClientRect().top ?? 0) + scrollY - covered;
  const look = (scrolled: boolean) => {
    const from = scrollY - toTop();
    const next: [number, number] = [Math.max(0, rowAt(starts, from) - 1), Math.min(pages.length - 1, rowAt(starts, from + innerHeight) + 1)];
    setShown((before) => (before[0] === next[0] && before[1] === next[1] ? before : next));
    if (!scrolled && anchor.current) return; // it was put there, or waits for its page to be read
    if (jumped.current !== null && Math.abs(scrollY - jumped.current) <= 2) return;
    jumped.current = null;
    const at = rowAt(starts, from + SLACK);
    const page = pages[at]?.page_number;
    if (page) reader.current.value = page;
    const top = rowAt(starts, from);
    const [start = 0, end = 1] = [starts[top], starts[top + 1]];
    anchor.current = from > 0 ? { page: pages[top]?.page_number ?? 1, part: (from - start) / (end - start) } : null;
  };
  const settle = () => {
    const row = pages.findIndex((each) => each.page_number === anchor.current?.page);
    if (anchor.current && row >= 0) {
      const [start = 0, end = 0] = [starts[row], starts[row + 1]];
      const wanted = Math.round(toTop() + start + anchor.current.part * (end - start));
      if (Math.abs(wanted - scrollY) > 1) scrollTo({ top: wanted, behavior: "instant" });
      if (anchor.current.part === 0) jumped.current = scrollY;
    }
    look(false);
  };
  reader.jump = (page) => {
    anchor.current = { page, part: 0 };
    reader.current.value = page;
    settle();
  };

  useLayoutEffect(() => {
    reader.narrow.value = wide.narrow;
    if (width) settle();
  }, [starts, covered]);
  useEffect(() => {
    let frame = 0;
    const soon = () => (frame ||= requestAnimationFrame(() => ((frame = 0), look(true))));
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    return () => (cancelAnimationFrame(frame), removeEventListener("scroll", soon), removeEventListener("resize", soon));
  });

  const rows = pages.map((page, index) => ({ page, index })).filter(({ page, index }) => (index >= shown[0] && index <= shown[1]) || page.page_number === held);
  return (
    <div
      class="page-list"
      ref={holder}
      style={{ height: `${starts.at(-1) ?? 0}px`, "--covered": `${covered}px` }}
      onFocusIn={(event) => setHeld(pageOf(event.target))}
      onFocusOut={(event) => setHeld(pageOf(event.relatedTarget))}
    >
      {width > 0 && rows.map(({ page, index }) => <Placed key={page.page_number} page={page} top={starts[index] ?? 0} wide={wide} />)}
    </div>
  );
}

function Placed({ page, top, wide }: { page: PageSummary; top: number; wide: Columns }) {
  return (
    <div class="placed" data-page={page.page_number} style={{ top: `${top}px` }}>
      <PageRow summary={page} wide={wide} height={panelHeight(page, wide)} />
    </div>
  );
}

function pageOf(target: EventTarget | null): number | null {
  const row = target instanceof Element ? target.closest<HTMLElement>("[data-page]") : null;
  return row ? Number(row.dataset["page"]) : null;
}

function useWidth(of: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    if (!of.current) return;
    const watching = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    watching.observe(of.current);
    return () => watching.disconnect();
  }, []);
  return width;
}
