// Sanitised markup on the page, with what is searched for marked in it.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Markup } from "./clean";
import { mark } from "./marks";

/** `html` is what `markdown.ts` made; the same value is not rendered again. */
export function Rendered({ html, find = "" }: { html: Markup; find?: string }) {
  const holder = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (holder.current) mark(holder.current, find);
  }, [html, find]);
  return <div class="rendered" ref={holder} dangerouslySetInnerHTML={{ __html: html }} />;
}
