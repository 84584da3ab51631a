// Where one is in the document, how it is shown, search, and what to take away.

import { useState } from "preact/hooks";
import { figure, sentences } from "../i18n";
import { FailureNotice } from "../ui/notice";
import { PageField } from "../ui/page_field";
import { ZOOMS } from "./offsets";
import { Search } from "./search";
import { MODES, useReader } from "./state";
import { TakeAway } from "./take";

const say = sentences({
  en: {
    tools: "Reading tools",
    zoom: "Zoom",
    out: "Smaller",
    in: "Larger",
    fit: "Fit",
    shown: "Shown as",
    text: "Text",
    markdown: "Markdown",
    json: "JSON",
    boxes: "Boxes",
    side: "Image or text",
    image: "Image",
    more: "More",
  },
  ru: {
    tools: "Инструменты чтения",
    zoom: "Масштаб",
    out: "Мельче",
    in: "Крупнее",
    fit: "Вписать",
    shown: "Показывать как",
    text: "Текст",
    markdown: "Markdown",
    json: "JSON",
    boxes: "Рамки",
    side: "Изображение или текст",
    image: "Скан",
    more: "Ещё",
  },
});

export function Toolbar() {
  const reader = useReader();
  const [failure, setFailure] = useState<unknown>(null);
  const [more, setMore] = useState(false);
  const narrow = reader.narrow.value;
  const { pages, job } = reader.followed.value;
  const told = reader.cache.gone.value ?? failure;
  return (
    <div class={`tools${narrow ? " narrow" : ""}`} role="group" aria-label={say().tools}>
      <div class="row">
        <PageField pages={pages} page={reader.current.value} total={job?.files[reader.file]?.total_pages ?? null} choose={(page) => reader.jump(page)} />
        {narrow && (
          <div class="segments" role="group" aria-label={say().side}>
            {(["image", "text"] as const).map((side) => (
              <button key={side} type="button" aria-pressed={reader.side.value === side} onClick={() => (reader.side.value = side)}>
                {say()[side]}
              </button>
            ))}
          </div>
        )}
        {narrow && (
          <button type="button" aria-expanded={more} onClick={() => setMore(!more)}>
            {say().more}
          </button>
        )}
        {(!narrow || more) && (
          <>
            <Zoom />
            <Shown />
            <Search tell={setFailure} />
            <TakeAway tell={setFailure} />
          </>
        )}
      </div>
      {told !== null && <FailureNotice failure={told} />}
    </div>
  );
}

function Zoom() {
  const { zoom } = useReader();
  const at = ZOOMS.indexOf(zoom.value);
  const step = (by: number) => () => (zoom.value = ZOOMS[at + by] ?? zoom.value);
  return (
    <div class="segments" role="group" aria-label={say().zoom}>
      <button type="button" aria-label={say().out} title={say().out} disabled={at === 0} onClick={step(-1)}>
        <span aria-hidden="true">−</span>
      </button>
      <button type="button" title={say().fit} onClick={() => (zoom.value = 1)}>
        {zoom.value === 1 ? say().fit : `${figure(zoom.value * 100)} %`}
      </button>
      <button type="button" aria-label={say().in} title={say().in} disabled={at === ZOOMS.length - 1} onClick={step(1)}>
        <span aria-hidden="true">+</span>
      </button>
    </div>
  );
}

function Shown() {
  const { mode, boxes } = useReader();
  return (
    <>
      <div class="segments" role="group" aria-label={say().shown}>
        {MODES.map((each) => (
          <button key={each} type="button" aria-pressed={mode.value === each} onClick={() => (mode.value = each)}>
            {say()[each]}
          </button>
        ))}
      </div>
      <button type="button" aria-pressed={boxes.value} onClick={() => (boxes.value = !boxes.value)}>
        {say().boxes}
      </button>
    </>
  );
}
