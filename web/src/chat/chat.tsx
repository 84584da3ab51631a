// Questions about a page to a model that sees it.

import { type Signal, signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { answering } from "../api/chat";
import { refreshModels } from "../api/service";
import { PagePicture } from "../compare/picture";
import type { Followed } from "../document/follow";
import { sentences } from "../i18n";
import { isLoaded, modelNamed } from "../models/ready";
import { documentAddress, remark } from "../router";
import { announce } from "../ui/announce";
import { FailureNotice } from "../ui/notice";
import { PageField } from "../ui/page_field";
import { ChatSettings, Composer } from "./composer";
import { conversation, type Settings, type Turn } from "./conversation";
import { Nobody } from "./nobody";
import { TurnView } from "./turn";
import "./chat.css";

const say = sentences({
  en: {
    page: "The page",
    talk: "Conversation",
    hint: "Ask about what is on this page. The model sees the page itself. It can make mistakes: check what matters.",
    done: "The answer is complete",
    failed: "The answer failed",
    retry: "Try again",
  },
  ru: {
    page: "Страница",
    talk: "Беседа",
    hint: "Спросите о том, что есть на этой странице. Модель смотрит на саму страницу и может ошибаться: важное проверяйте.",
    done: "Ответ готов",
    failed: "Ответить не удалось",
    retry: "Повторить",
  },
});

const settings = signal<Settings>({ model: "", temperature: 0, maxTokens: null });
const NEAR_PX = 160; // of the end: then new text is followed

export function ChatView({ followed, file, page }: { followed: Signal<Followed>; file: number; page: number }) {
  const { job, pages } = followed.value;
  const id = job?.id ?? "";
  const able = useSignal<string[] | null>(null);
  const failure = useSignal<unknown>(null);
  const draft = useSignal("");
  const end = useRef<HTMLDivElement>(null);
  const talk = conversation(id, file, page);
  const turns = talk.turns.value;
  const here = pages.find((each) => each.page_number === page);

  const look = async () => {
    failure.value = null;
    try {
      const [names] = await Promise.all([answering(), refreshModels()]);
      if (!names.includes(settings.value.model)) {
        settings.value = { ...settings.value, model: names.find((each) => isLoaded(modelNamed(each))) ?? names[0] ?? "" };
      }
      able.value = names;
    } catch (error) {
      failure.value = error;
    }
  };
  useEffect(() => void look(), []);
  useEffect(() => {
    const rest = document.documentElement.scrollHeight - scrollY - innerHeight;
    if (turns.length && rest < NEAR_PX) end.current?.scrollIntoView({ block: "end" });
  }, [turns]);

  const send = async (question: string) => {
    draft.value = "";
    const asking = talk.ask(question, settings.value, here?.width ?? 0);
    requestAnimationFrame(() => end.current?.scrollIntoView({ block: "end" }));
    const turn = await asking;
    if (turn.state === "done") announce(say().done);
    if (turn.state === "failed") announce(say().failed);
  };
  const again = (turn: Turn) => {
    talk.forget(turn);
    void send(turn.question);
  };
  if (!job) return null;
  const last = turns.at(-1);
  return (
    <div class="chat">
      <aside class="beside" aria-label={say().page}>
        <PageField pages={pages} page={page} total={job.files[file]?.total_pages ?? null} choose={(wanted) => remark(documentAddress(id, "chat", file, wanted))} />
        <PagePicture job={id} file={file} page={page} width={1200} shown={here} />
      </aside>
      <div class="talk">
        {failure.value !== null && (
          <FailureNotice failure={failure.value}>
            <button type="button" onClick={look}>
              {say().retry}
            </button>
          </FailureNotice>
        )}
        {able.value?.length === 0 && <Nobody />}
        {!!able.value?.length && (
          <>
            <ChatSettings settings={settings} able={able.value} />
            {turns.length === 0 && <p class="hint">{say().hint}</p>}
            <ol class="turns" aria-label={say().talk}>
              {turns.map((turn) => (
                <TurnView
                  key={turn.id}
                  turn={turn}
                  again={turn === last && !talk.busy.value ? () => again(turn) : null}
                  remove={talk.busy.value ? null : () => talk.forget(turn)}
                />
              ))}
            </ol>
            <Composer
              draft={draft}
              busy={talk.busy.value}
              begun={turns.length > 0}
              send={send}
              stop={() => talk.stop()}
              clear={() => talk.clear()}
            />
            <div ref={end} />
          </>
        )}
      </div>
    </div>
  );
}
