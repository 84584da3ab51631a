// The two texts beside each other, what differs marked: struck through on the left, underlined on the right.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { counted, figure, sentences } from "../i18n";
import { announce } from "../ui/announce";
import type { Comparison, Row, Segment } from "./differ";

const say = sentences({
  en: {
    coarse: "The texts are long and differ much: some passages are marked as a whole.",
    none: "Both read the same words.",
    differ: (words: number) => counted(words, "word differs", "words differ"),
    marksDiffer: (places: number) => `the words are the same, the marks between them differ in ${counted(places, "place", "places")}`,
    same: (share: string) => `${share}\u00a0% the same`,
    whole: "Whole text",
    only: "Only differences",
    show: "What to show",
    previous: "Previous difference",
    next: "Next difference",
    at: (at: string, of: string) => `${at} of ${of}`,
    told: (at: string, of: string, left: string, right: string) => `Difference ${at} of ${of}: “${left}”, “${right}”`,
    caption: "The two texts, what differs marked",
  },
  ru: {
    coarse: "Тексты длинные и сильно различаются: некоторые отрывки отмечены целиком.",
    none: "Обе модели прочитали одно и то же.",
    differ: (words: number) => counted(words, "слово отличается", "слова отличаются", "слов отличаются"),
    marksDiffer: (places: number) => `слова совпадают, знаки между ними различаются в ${counted(places, "месте", "местах", "местах")}`,
    same: (share: string) => `совпадает ${share}\u00a0%`,
    whole: "Весь текст",
    only: "Только различия",
    show: "Что показать",
    previous: "Предыдущее различие",
    next: "Следующее различие",
    at: (at: string, of: string) => `${at} из ${of}`,
    told: (at: string, of: string, left: string, right: string) => `Различие ${at} из ${of}: «${left}», «${right}»`,
    caption: "Два текста, различия отмечены",
  },
});

const AROUND = 40; // characters of what is the same beside a difference, where only differences are shown

/** "17 words differ, 96 % the same" */
export function inShort({ words, differences, same }: Comparison): string {
  if (!differences) return say().none;
  const share = figure(Math.floor(same * 100));
  return `${words ? say().differ(words) : say().marksDiffer(differences)}, ${say().same(share)}`;
}

export function Marks({ comparison, left, right }: { comparison: Comparison; left: string; right: string }) {
  const only = useSignal(false);
  const current = useSignal<number | null>(null);
  const table = useRef<HTMLTableElement>(null);
  const { differences, rows } = comparison;
  useEffect(() => {
    current.value = null;
  }, [comparison]);
  useEffect(() => {
    if (current.value === null) return;
    table.current?.querySelector(`[data-difference="${current.value}"]`)?.scrollIntoView({ block: "center" });
  }, [current.value, only.value]);
  const step = (by: number) => {
    const next = current.value === null ? (by > 0 ? 0 : differences - 1) : (current.value + by + differences) % differences;
    current.value = next;
    const told = (side: "left" | "right") => rows.flatMap((row) => row[side]).find((each) => each.difference === next)?.text ?? "";
    announce(say().told(figure(next + 1), figure(differences), told("left"), told("right")));
  };
  const shown = only.value ? rows.filter((row) => row.differs).map(shortened) : rows;
  return (
    <section class="marks" aria-label={say().caption}>
      <div class="marks-bar">
        <div>
          <p class="counts">{inShort(comparison)}</p>
          {comparison.coarse && <p class="faint counts-note">{say().coarse}</p>}
        </div>
        {differences > 0 && (
          <div class="row">
            <div class="switch" role="group" aria-label={say().show}>
              <button type="button" aria-pressed={!only.value} onClick={() => (only.value = false)}>
                {say().whole}
              </button>
              <button type="button" aria-pressed={only.value} onClick={() => (only.value = true)}>
                {say().only}
              </button>
            </div>
            <div class="steps">
              <button type="button" aria-label={say().previous} title={say().previous} onClick={() => step(-1)}>
                <span aria-hidden="true">↑</span>
              </button>
              <span class="faint at">{say().at(current.value === null ? "–" : figure(current.value + 1), figure(differences))}</span>
              <button type="button" aria-label={say().next} title={say().next} onClick={() => step(1)}>
                <span aria-hidden="true">↓</span>
              </button>
            </div>
          </div>
        )}
      </div>
      <table class="sides" role="table" ref={table}>
        <caption class="unseen">{say().caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">
              {left}
            </th>
            <th role="columnheader" scope="col">
              {right}
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {shown.map((row, index) => (
            <tr key={index} role="row" class={row.differs ? "differs" : ""}>
              <td role="cell">
                <Side segments={row.left} mark="del" current={current.value} />
              </td>
              <td role="cell">
                <Side segments={row.right} mark="ins" current={current.value} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Side({ segments, mark: Mark, current }: { segments: Segment[]; mark: "ins" | "del"; current: number | null }) {
  return (
    <>
      {segments.map(({ text, difference }, index) =>
        difference === null ? (
          text
        ) : (
          <Mark key={index} data-difference={difference} class={difference === current ? "current" : ""}>
            {text}
          </Mark>
        ),
      )}
    </>
  );
}

function shortened(row: Row): Row {
  return { ...row, left: row.left.map(around), right: row.right.map(around) };
}

function around(segment: Segment, index: number, all: Segment[]): Segment {
  const [first, last] = [index === 0, index === all.length - 1];
  const { text, difference } = segment;
  if (difference !== null || text.length <= AROUND * (first || last ? 1 : 2) + 10) return segment;
  const before = first ? "" : text.slice(0, AROUND).replace(/\s\S*$/, "");
  const after = last ? "" : text.slice(-AROUND).replace(/^\S*\s/, "");
  return { text: `${before && `${before} `}…${after && ` ${after}`}`, difference };
}
