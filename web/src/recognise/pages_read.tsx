// The newest of a document's pages, and what the last of them says.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import * as api from "../api/jobs";
import type { PageSummary } from "../api/types";
import { counted, figure, sentences } from "../i18n";
import { documentAddress } from "../router";
import { Confidence, VerdictMark } from "../ui/confidence";

const say = sentences({
  en: {
    pages: "Pages read so far",
    page: (number: string) => `Page ${number}`,
    before: (count: number) => `${counted(count, "page", "pages")} before`,
    says: (number: string) => `Page ${number} says`,
  },
  ru: {
    pages: "Прочитанные страницы",
    page: (number: string) => `Страница ${number}`,
    before: (count: number) => `и ещё ${counted(count, "страница", "страницы", "страниц")} раньше`,
    says: (number: string) => `На странице ${number}`,
  },
});

const SHOWN = 4;
const PEEK_MS = 1500; // a fast engine reads many pages in this time, and nobody reads along so fast
const PEEK_LETTERS = 600;

export function PagesRead({ job, pages }: { job: string; pages: PageSummary[] }) {
  const newest = pages.slice(-SHOWN);
  const last = newest.at(-1);
  return (
    <div class="pages-read">
      <ol aria-label={say().pages}>
        {pages.length > SHOWN && <li class="faint">{say().before(pages.length - SHOWN)}</li>}
        {newest.map((each) => (
          <li key={each.page_number}>
            <a href={documentAddress(job, "read", 0, each.page_number)}>{say().page(figure(each.page_number))}</a>
            {each.verdict !== "failed" && <Confidence value={each.confidence} short />}
            <VerdictMark verdict={each.verdict} />
          </li>
        ))}
      </ol>
      {last && <Peek job={job} number={last.page_number} />}
    </div>
  );
}

function Peek({ job, number }: { job: string; number: number }) {
  const seen = useSignal<{ number: number; text: string } | null>(null);
  const asked = useRef(0);
  useEffect(() => {
    const ending = new AbortController();
    const look = async () => {
      asked.current = Date.now();
      const { text } = await api.page(job, 0, number, ending.signal);
      seen.value = { number, text: (text ?? "").trim().slice(0, PEEK_LETTERS).replace(/\n\s*\n/g, "\n") };
    };
    const timer = setTimeout(() => look().catch(() => undefined), asked.current + PEEK_MS - Date.now()); // a glance only: the document's view tells of troubles
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [job, number]);
  return (
    <blockquote class="peek" aria-label={seen.value ? say().says(figure(seen.value.number)) : undefined}>
      {seen.value?.text}
    </blockquote>
  );
}
