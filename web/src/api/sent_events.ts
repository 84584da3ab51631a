// Server-sent events of a request that, unlike EventSource's, carries a token.

import { createParser, type EventSourceMessage } from "eventsource-parser";
import { good } from "./http";
import { progressive } from "./progressive";

/** The events as they come; returns the reply, whose status is 204 where there will be none. Throws Failure, and an AbortError when the signal of `init` says so. */
export async function* sentEvents(path: string, init: RequestInit): AsyncGenerator<EventSourceMessage, Response> {
  const arrived: EventSourceMessage[] = [];
  let wake = () => {};
  const parser = createParser({ onEvent: (event) => (arrived.push(event), wake()) });
  let over = false;
  const asking = progressive(path, init, { came: (text) => parser.feed(text) })
    .then(good)
    .finally(() => ((over = true), wake()));
  asking.catch(() => undefined); // thrown below
  while (!over || arrived.length) {
    const event = arrived.shift();
    if (event) yield event;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
  return asking;
}
