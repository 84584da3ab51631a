// "‹ 3 of 300 ›": the page that is looked at, and the way to another.

import { useState } from "preact/hooks";
import type { PageSummary } from "../api/types";
import { sentences } from "../i18n";
import "./page_field.css";

const say = sentences({
  en: { pages: "Pages", page: "Page", of: (total: number) => `of ${total}`, previous: "Previous page", next: "Next page" },
  ru: { pages: "Страницы", page: "Страница", of: (total: number) => `из ${total}`, previous: "Предыдущая страница", next: "Следующая страница" },
});

interface Props {
  /** Those that can be gone to. */
  pages: readonly PageSummary[];
  page: number;
  /** Pages of the document, as far as that is known. */
  total: number | null;
  choose: (page: number) => void;
}

export function PageField({ pages, page, total, choose }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  const numbers = pages.map((each) => each.page_number);
  const before = numbers.findLast((each) => each < page);
  const after = numbers.find((each) => each > page);
  const last = numbers.at(-1) ?? 1;
  const go = () => {
    const wanted = Number.parseInt(typed ?? "", 10);
    const nearest = numbers.find((each) => each >= wanted) ?? numbers.at(-1);
    if (wanted && nearest) choose(nearest);
    setTyped(null);
  };
  return (
    <form class="page-field" aria-label={say().pages} onSubmit={(event) => (event.preventDefault(), go())}>
      <button type="button" aria-label={say().previous} title={say().previous} disabled={!before} onClick={() => before && choose(before)}>
        <span aria-hidden="true">‹</span>
      </button>
      <label>
        <span class="unseen">{say().page}</span>
        <input
          type="text"
          inputMode="numeric"
          autocomplete="off"
          size={Math.max(2, String(last).length)}
          value={typed ?? String(page)}
          onFocus={(event) => event.currentTarget.select()}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onBlur={() => setTyped(null)}
        />
      </label>
      <span>{say().of(Math.max(last, total ?? 0))}</span>
      <button type="button" aria-label={say().next} title={say().next} disabled={!after} onClick={() => after && choose(after)}>
        <span aria-hidden="true">›</span>
      </button>
    </form>
  );
}
