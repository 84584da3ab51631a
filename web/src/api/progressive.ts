// Requests whose progress is heard of: how much of a form has been sent, and what has come of a reply so far.
//
// XMLHttpRequest, because fetch does not tell of the former, and Chromium counts a reply that is read as a stream as failed.

import { address, token, unreachable } from "./http";

export interface Hearing {
  /** The share of the body that has been sent, 0 to 1. */
  sent?: ((share: number) => void) | undefined;
  /** What has come of a good reply since the last time. */
  came?: (text: string) => void;
}

/** The reply, good or not, when it is over. Throws Failure where there is none, and an AbortError when `signal` says so. */
export function progressive(path: string, init: RequestInit, hearing: Hearing): Promise<Response> {
  const { signal = null, method = "GET", body = null } = init;
  return new Promise((resolve, reject) => {
    const asking = new XMLHttpRequest();
    const stop = () => asking.abort();
    let heard = 0;
    const hear = () => {
      if (asking.status !== 200) return;
      hearing.came?.(asking.responseText.slice(heard));
      heard = asking.responseText.length;
    };
    asking.open(method, address(path));
    if (token.value) asking.setRequestHeader("Authorization", `Bearer ${token.value}`);
    new Headers(init.headers).forEach((value, name) => asking.setRequestHeader(name, value));
    asking.upload.onprogress = (event) => event.lengthComputable && hearing.sent?.(event.loaded / event.total);
    asking.onprogress = hear;
    asking.onload = () => (hear(), resolve(replyOf(asking)));
    asking.onerror = () => reject(unreachable("The connection broke off."));
    asking.onabort = () => reject(new DOMException("aborted", "AbortError"));
    asking.onloadend = () => signal?.removeEventListener("abort", stop);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) return reject(new DOMException("aborted", "AbortError"));
    asking.send(body as XMLHttpRequestBodyInit | null);
  });
}

function replyOf(asked: XMLHttpRequest): Response {
  const headers = new Headers();
  for (const name of ["Content-Type", "Retry-After", "X-Request-ID"]) {
    const value = asked.getResponseHeader(name);
    if (value !== null) headers.set(name, value);
  }
  const body = asked.status === 204 ? null : asked.responseText;
  return new Response(body, { status: asked.status, statusText: asked.statusText, headers });
}
