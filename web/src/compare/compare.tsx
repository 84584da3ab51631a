// Two models on one page, beside each other.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import * as api from "../api/jobs";
import type { Reading } from "../api/ocr";
import { models, refreshModels } from "../api/service";
import type { Page } from "../api/types";
import type { Followed } from "../document/follow";
import { language, sentences } from "../i18n";
import { titleOf } from "../models/ready";
import { documentAddress, remark } from "../router";
import { announce } from "../ui/announce";
import { FailureNotice } from "../ui/notice";
import { PageField } from "../ui/page_field";
import { Progress } from "../ui/progress";
import { type Comparison, compare } from "./differ";
import { inShort, Marks } from "./marks";
import { PagePicture } from "./picture";
import { type Choice, type Doing, isCorrected, type Place, readAll, reading, sameReading } from "./readings";
import { Side } from "./side";
import "./compare.css";

const say = sentences({
  en: {
    left: "First model",
    right: "Second model",
    compare: "Compare",
    cancel: "Cancel",
    loading: (title: string) => `Loading ${title}. This may take minutes; it stays loaded afterwards.`,
    reading: (title: string) => `${title} is reading the page`,
    onlyOne:
      "This server has one model, and comparing models takes another one. The page can still be read by the same model once more, straightened and cleaned first.",
    alike: "Both are the same. Choose another one.",
    notThere: "The document does not have this page, or it has not been read yet. Choose another page.",
    corrected: "This page has corrections. What models recognised is compared, so it is read anew by both.",
    fresh: "A page is read anew with the model's usual options, whatever was chosen when the document was handed in.",
    page: "Show the page",
    straightened: (title: string) => `${title}; the page straightened and cleaned`,
    quoted: (title: string) => `“${title}”`,
    begin: (titles: string) => `The page is read with ${titles}, and what differs is marked.`,
  },
  ru: {
    left: "Первая модель",
    right: "Вторая модель",
    compare: "Сравнить",
    cancel: "Отменить",
    loading: (title: string) => `Загружается ${title}. Это может занять минуты; потом модель останется загруженной.`,
    reading: (title: string) => `${title} читает страницу`,
    onlyOne:
      "На этом сервере одна модель, а для сравнения нужна ещё одна. Страницу всё же можно прочитать той же моделью ещё раз, сначала выровняв и очистив.",
    alike: "Первая и вторая совпадают. Выберите одну из них другой.",
    notThere: "Такой страницы в документе нет, или она ещё не прочитана. Выберите другую страницу.",
    corrected: "На этой странице есть правки. Сравнивается то, что распознали модели, поэтому её заново читают обе.",
    fresh: "Заново страница читается с обычными параметрами модели, какие бы ни были выбраны при отправке документа.",
    page: "Показать страницу",
    straightened: (title: string) => `${title}; страница выровнена и очищена`,
    quoted: (title: string) => `«${title}»`,
    begin: (titles: string) => `Страница будет прочитана (${titles}), различия отмечены.`,
  },
});

/** "“A” and “B”" */
function inWords(readings: Reading[]): string {
  const titles = readings.map((each) => say().quoted(titleOf(each.model)));
  return new Intl.ListFormat(language.value).format(new Set(titles));
}

export function CompareView({ followed, file, page }: { followed: Signal<Followed>; file: number; page: number }) {
  const { job, pages } = followed.value;
  const id = job?.id ?? "";
  const own = useSignal<Page | null>(null);
  const chosen = useSignal<{ left: Choice | null; right: Choice | null }>({ left: null, right: null });
  const work = useSignal<{ doing: Doing; by: Reading } | null>(null);
  const failure = useSignal<unknown>(null);
  const comparison = useSignal<Comparison | null>(null);
  const looked = useSignal(false);
  const ending = useRef<AbortController | null>(null);
  const actions = useRef<HTMLDivElement>(null);
  const begun = useRef(false);
  const place: Place = { job: id, file, page };
  const here = pages.find((each) => each.page_number === page);
  const version = here ? `${here.verdict} ${here.corrections}` : "";

  useEffect(() => void refreshModels().catch((error: unknown) => (failure.value = error)), []);
  useEffect(() => {
    const leaving = new AbortController();
    own.value = failure.value = null;
    if (here)
      api
        .page(id, file, page, leaving.signal)
        .then((found) => (own.value = found))
        .catch((error: unknown) => leaving.signal.aborted || (failure.value = error));
    return () => leaving.abort();
  }, [id, file, page, version]);
  useEffect(() => () => ending.current?.abort(), [id, file, page]);

  const corrected = own.value !== null && isCorrected(own.value);
  const others = models.value?.available_models.filter((each) => each !== job?.model) ?? [];
  const anew = { model: job?.model ?? "", prepared: false };
  const left = chosen.value.left ?? (corrected ? anew : { model: null, prepared: false });
  const right = chosen.value.right ?? (others[0] ? { model: others[0], prepared: false } : { ...anew, prepared: true });
  const read = (choice: Choice) => (choice.model ? reading(place, { model: choice.model, prepared: choice.prepared }) : (own.value ?? undefined));
  const [leftPage, rightPage] = [read(left), read(right)];
  const alike = sameReading({ ...left, model: left.model ?? job?.model ?? null }, right);
  const missing = [left, right].filter((choice): choice is Reading => choice.model !== null && !read(choice));
  const titled = ({ model, prepared }: Choice) => {
    const title = titleOf(model ?? job?.model ?? "");
    return prepared ? say().straightened(title) : title;
  };

  useEffect(() => {
    comparison.value = null;
    if (!leftPage || !rightPage || leftPage === rightPage) return;
    let wanted = true;
    void compare(leftPage.text ?? "", rightPage.text ?? "").then((found) => {
      if (!wanted) return;
      comparison.value = found;
      announce(inShort(found));
    });
    return () => {
      wanted = false;
    };
  }, [leftPage, rightPage]);

  useEffect(() => {
    // the button that was pressed is gone
    if (begun.current && document.activeElement === document.body) actions.current?.focus();
  }, [work.value === null]);

  if (!job) return null;
  const begin = async () => {
    const mine = (ending.current = new AbortController());
    failure.value = null;
    begun.current = true;
    try {
      await readAll(job, place, missing, (doing, by) => (work.value = { doing, by }), mine.signal);
    } catch (error) {
      if (!mine.signal.aborted) failure.value = error;
    }
    work.value = null;
  };
  const atWork = work.value;
  const doing = atWork && say()[atWork.doing](titleOf(atWork.by.model));
  return (
    <div class="compare">
      <div class="row">
        <PageField pages={pages} page={page} total={job.files[file]?.total_pages ?? null} choose={(wanted) => remark(documentAddress(id, "compare", file, wanted))} />
      </div>
      {models.value && !others.length && <p class="notice">{say().onlyOne}</p>}
      {corrected && <p class="notice">{say().corrected}</p>}
      <div class="two">
        <Side
          name={say().left}
          choice={left}
          own={corrected ? null : job.model}
          page={leftPage}
          disabled={atWork !== null}
          choose={(left) => (chosen.value = { ...chosen.value, left })}
        />
        <Side
          name={say().right}
          choice={right}
          own={null}
          page={rightPage}
          disabled={atWork !== null}
          choose={(right) => (chosen.value = { ...chosen.value, right })}
        />
      </div>
      {failure.value !== null && <FailureNotice failure={failure.value} />}
      <div class="actions" ref={actions} tabIndex={-1}>
        {atWork ? (
          <div class="card work">
            <p role="status">{doing}</p>
            <Progress value={0} total={null} label={doing ?? ""} />
            <button type="button" onClick={() => ending.current?.abort()}>
              {say().cancel}
            </button>
          </div>
        ) : (
          (alike || missing.length > 0) && (
            <div class="begin">
              <button type="button" class="primary" disabled={!here || alike || !models.value} onClick={begin}>
                {say().compare}
              </button>
              <p class="faint">
                {!here ? say().notThere : alike ? say().alike : `${say().begin(inWords(missing))} ${say().fresh}`}
              </p>
            </div>
          )
        )}
      </div>
      <details class="look-closer" onToggle={({ currentTarget }) => (looked.value = currentTarget.open)}>
        <summary>{say().page}</summary>
        {looked.value && <PagePicture job={id} file={file} page={page} width={1200} shown={here} />}
      </details>
      {comparison.value && <Marks comparison={comparison.value} left={titled(left)} right={titled(right)} />}
    </div>
  );
}
