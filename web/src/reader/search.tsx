// Search in what was read: how many places on how many pages, and from one page with any to the next.

import { useEffect, useState } from "preact/hooks";
import { pages as pagesOf, pause } from "../api/jobs";
import type { PageSummary } from "../api/types";
import { counted, sentences } from "../i18n";
import { announce } from "../ui/announce";
import { nextOf, useReader } from "./state";

const say = sentences({
  en: {
    search: "Search the text",
    short: "Search",
    found: (places: number, pages: number) => `${counted(places, "place", "places")} on ${counted(pages, "page", "pages")}`,
    none: "not found",
    previous: "Previous page with it",
    next: "Next page with it",
  },
  ru: {
    search: "Поиск по тексту",
    short: "Поиск",
    found: (places: number, pages: number) => `${counted(places, "место", "места", "мест")} на ${counted(pages, "странице", "страницах", "страницах")}`,
    none: "не найдено",
    previous: "Предыдущая страница с найденным",
    next: "Следующая страница с найденным",
  },
});

const TYPED_MS = 300;

/** `tell` is given what went wrong, or null. */
export function Search({ tell }: { tell: (failure: unknown) => void }) {
  const reader = useReader();
  const [typed, setTyped] = useState("");
  const [hits, setHits] = useState<PageSummary[] | null>(null);
  const total = reader.followed.value.pages.length;
  useEffect(() => {
    const find = typed.trim();
    if (!find) {
      setHits(null);
      reader.find.value = "";
      return;
    }
    const ending = new AbortController();
    const look = async () => {
      await pause(TYPED_MS, ending.signal);
      tell(null);
      const found = (await pagesOf(reader.job, reader.file, find, ending.signal)).filter((each) => each.found);
      if (ending.signal.aborted) return;
      const before = reader.find.value;
      reader.find.value = find;
      setHits(found);
      if (find === before) return; // more pages were read: the reader stays where she is
      announce(wordsFor(found));
      if (found.length && !found.some((each) => each.page_number === reader.current.value)) jump(found, 1);
    };
    look().catch((failure: unknown) => ending.signal.aborted || tell(failure));
    return () => ending.abort();
  }, [typed, total]);
  const jump = (among: PageSummary[], direction: 1 | -1) => {
    const page = nextOf(among, reader.current.value, direction);
    if (page !== null) reader.jump(page);
  };
  const step = (direction: 1 | -1) => () => hits && jump(hits, direction);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") event.preventDefault(), step(event.shiftKey ? -1 : 1)();
    if (event.key === "Escape") setTyped("");
  };
  return (
    <div class="search" role="search">
      <input
        type="search"
        aria-label={say().search}
        placeholder={say().short}
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <button type="button" aria-label={say().previous} title={say().previous} disabled={!hits?.length} onClick={step(-1)}>
        <span aria-hidden="true">↑</span>
      </button>
      <button type="button" aria-label={say().next} title={say().next} disabled={!hits?.length} onClick={step(1)}>
        <span aria-hidden="true">↓</span>
      </button>
      {hits && <span class="count">{wordsFor(hits)}</span>}
    </div>
  );
}

function wordsFor(hits: PageSummary[]): string {
  const places = hits.reduce((sum, each) => sum + (each.found ?? 0), 0);
  return hits.length ? say().found(places, hits.length) : say().none;
}
