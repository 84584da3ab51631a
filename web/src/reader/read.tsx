// "Read and correct": the pages of a document, each beside its text.

import type { Signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Followed } from "../document/follow";
import { documentAddress, remark } from "../router";
import { FailureNotice } from "../ui/notice";
import { PageList } from "./list";
import "./reader.css";
import { Reader, SharedReader } from "./state";
import { StillToCome, Summary } from "./summary";
import { Toolbar } from "./toolbar";

const REMARK_MS = 400;

export function ReadView({ followed, file, page }: { followed: Signal<Followed>; file: number; page: number | null }) {
  const { job, pages } = followed.value;
  const reader = useMemo(() => new Reader(followed, job?.id ?? "", file, page ?? 1), [followed, job?.id, file]);
  const [first] = useState(page);
  const tools = useRef<HTMLDivElement>(null);
  const covered = useCovered(tools);
  useEffect(() => () => reader.cache.clear(), [reader]);
  useAddress(reader, page);
  const error = job?.files[file]?.error;
  return (
    <SharedReader value={reader}>
      {error && <FailureNotice failure={error} />}
      <Summary />
      {pages.length > 0 && (
        <>
          <div class="tools-holder" ref={tools}>
            <Toolbar />
          </div>
          <PageList pages={pages} first={first} covered={covered} />
        </>
      )}
      <StillToCome />
    </SharedReader>
  );
}

/** The address follows the page in view, and the page follows an address that was typed or gone back to. */
function useAddress(reader: Reader, asked: number | null): void {
  const said = useRef(asked);
  const current = reader.current.value;
  useEffect(() => {
    if (current === (said.current ?? 1)) return;
    const timer = setTimeout(() => {
      said.current = current;
      remark(documentAddress(reader.job, "read", reader.file, current));
    }, REMARK_MS);
    return () => clearTimeout(timer);
  }, [reader, current]);
  useEffect(() => {
    if (asked === said.current) return;
    said.current = asked;
    if (asked) reader.jump(asked);
  }, [reader, asked]);
}

/** How many px of the window's top the toolbar covers. */
function useCovered(tools: { current: HTMLElement | null }): number {
  const [covered, setCovered] = useState(0);
  useLayoutEffect(() => {
    if (!tools.current) return;
    const watching = new ResizeObserver(([entry]) => setCovered(Math.ceil(entry?.borderBoxSize[0]?.blockSize ?? 0)));
    watching.observe(tools.current);
    return () => watching.disconnect();
  }, [tools.current]);
  return covered;
}
