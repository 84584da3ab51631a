// The token: asked for before anything else where the server checks tokens, and forgotten with the tab.

import { useEffect, useRef, useState } from "preact/hooks";
import { setToken, token, tokenRefused, tokenWanted } from "./api/http";
import { sentences } from "./i18n";
import "./styles/token.css";

const say = sentences({
  en: {
    welcome: "Turn scans and PDFs into text",
    about: "Documents are read on this server and go nowhere else.",
    token: "Token",
    why: "Whoever runs this service gave you one. It stays in this tab only.",
    refused: "The server does not know this token. Is it whole?",
    enter: "Enter",
    forget: "Sign out",
  },
  ru: {
    welcome: "Текст из сканов и PDF",
    about: "Документы читаются на этом сервере и никуда больше не отправляются.",
    token: "Токен",
    why: "Его выдаёт тот, кто отвечает за сервис. Он хранится только в этой вкладке.",
    refused: "Сервер не знает такого токена. Он введён целиком?",
    enter: "Войти",
    forget: "Выйти",
  },
});

export function TokenForm() {
  const [typed, setTyped] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const enter = (event: Event) => {
    event.preventDefault();
    if (typed.trim()) setToken(typed);
  };
  return (
    <form class="token card" onSubmit={enter}>
      <h1>{say().welcome}</h1>
      <p>{say().about}</p>
      <label class="field">
        <span>{say().token}</span>
        <input
          ref={field}
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={typed}
          aria-describedby="token-why"
          aria-invalid={tokenRefused.value}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <p id="token-why" class={tokenRefused.value ? "refused" : "hint"} role={tokenRefused.value ? "alert" : undefined}>
        {tokenRefused.value ? say().refused : say().why}
      </p>
      <button type="submit" class="primary">
        {say().enter}
      </button>
    </form>
  );
}

export function ForgetToken() {
  if (!token.value || tokenWanted.value) return null;
  return (
    <button type="button" class="quiet" onClick={() => setToken("")}>
      {say().forget}
    </button>
  );
}
