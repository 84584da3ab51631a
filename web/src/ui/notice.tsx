// A failure, told where it happened.

import type { ComponentChildren } from "preact";
import { Failure } from "../api/http";
import type { Trouble } from "../api/types";
import { sentences } from "../i18n";
import { inWords } from "./failures";

const say = sentences({ en: { details: "The server's words" }, ru: { details: "Ответ сервера" } });

interface Props {
  /** Anything thrown, or a job's trouble. */
  failure: unknown;
  /** It has been so before one came, and is not called out. */
  calm?: boolean;
  /** What `bad_option` means here, where one has not set options. */
  refused?: { what: string; wayOut: string };
  /** Buttons. */
  children?: ComponentChildren;
}

export function FailureNotice({ failure, calm = false, refused, children }: Props) {
  const known = isTrouble(failure) ? failure : Failure.of(failure);
  const { what, wayOut } = known.code === "bad_option" && refused ? refused : inWords(known);
  const id = known instanceof Failure ? known.requestId : null;
  return (
    <div class="notice bad" role={calm ? undefined : "alert"}>
      <p>
        <strong>{what}.</strong> {wayOut}
      </p>
      {known.detail && (
        <details>
          <summary>{say().details}</summary>
          <p class="told">
            {known.detail} <code>{[known.code, id].filter(Boolean).join(" · ")}</code>
          </p>
        </details>
      )}
      {children}
    </div>
  );
}

function isTrouble(failure: unknown): failure is Trouble {
  return typeof failure === "object" && failure !== null && !(failure instanceof Error) && "code" in failure && "detail" in failure;
}
