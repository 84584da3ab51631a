// The page's frame: where to go, the token, the language, the theme; and the view that the address names.

import { useEffect, useRef } from "preact/hooks";
import { token, tokenWanted } from "./api/http";
import { DocumentView } from "./document/document";
import { choose, language, sentences } from "./i18n";
import { JobsView } from "./jobs/jobs";
import { ModelsView } from "./models/models";
import { RecogniseView } from "./recognise/recognise";
import { route } from "./router";
import { THEMES, theme, type Theme } from "./theme";
import { subject } from "./title";
import { ForgetToken, TokenForm } from "./token";
import { Announcer } from "./ui/announce";

const say = sentences({
  en: {
    skip: "Skip to the content",
    title: "Document recognition",
    views: "Views",
    recognise: "Recognise",
    jobs: "Documents",
    models: "Models",
    language: "Language",
    theme: "Theme",
    system: "Auto",
    light: "Light",
    dark: "Dark",
  },
  ru: {
    skip: "К содержанию",
    title: "Распознавание документов",
    views: "Разделы",
    recognise: "Распознать",
    jobs: "Документы",
    models: "Модели",
    language: "Язык",
    theme: "Тема",
    system: "Авто",
    light: "Светлая",
    dark: "Тёмная",
  },
});

// A file let go anywhere but on a drop zone would be opened in the place of this page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());

export function App() {
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const { view } = route.value;
  const title = tokenWanted.value ? say().title : (subject.value ?? say()[tabOf(view)]);
  useEffect(() => {
    document.documentElement.lang = language.value;
    document.title = `${title} · offline-ocr`;
  }, [language.value, title]);
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus(); // a screen reader goes on in the new view
  }, [view]);
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        {say().skip}
      </a>
      <Header />
      <main id="content" ref={main} tabIndex={-1}>
        {tokenWanted.value ? <TokenForm /> : <View key={token.value} />}
      </main>
      <Announcer />
    </>
  );
}

/** The tab that leads to a view. */
const tabOf = (view: string): "recognise" | "jobs" | "models" => (view === "recognise" || view === "models" ? view : "jobs");

function View() {
  const shown = route.value;
  switch (shown.view) {
    case "recognise":
      return <RecogniseView />;
    case "jobs":
      return <JobsView />;
    case "models":
      return <ModelsView />;
    default:
      return <DocumentView key={`${shown.job} ${shown.file}`} {...shown} />;
  }
}

function Header() {
  const { view } = route.value;
  const link = (address: string, name: string, current: boolean) => (
    <a href={address} aria-current={current ? "page" : undefined}>
      {name}
    </a>
  );
  return (
    <header class="top">
      <a class="brand" href="#/">
        <img src="web/icon.svg" alt="" width="28" height="28" /> <span>offline-ocr</span>
      </a>
      <nav aria-label={say().views}>
        {link("#/", say().recognise, view === "recognise")}
        {link("#/jobs", say().jobs, tabOf(view) === "jobs")}
        {link("#/models", say().models, view === "models")}
      </nav>
      <div class="settings">
        <ForgetToken />
        <label>
          <span class="unseen">{say().language}</span>
          <select value={language.value} onChange={(event) => choose(event.currentTarget.value as "en" | "ru")}>
            <option value="en">English</option>
            <option value="ru">Русский</option>
          </select>
        </label>
        <label>
          <span class="unseen">{say().theme}</span>
          <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
            {THEMES.map((each) => (
              <option key={each} value={each}>
                {say()[each]}
              </option>
            ))}
          </select>
        </label>
      </div>
    </header>
  );
}
