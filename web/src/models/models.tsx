// The models and the service, looked at again and again while the page is in view.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { health as askHealth, models, refreshModels } from "../api/service";
import type { Health } from "../api/types";
import { sentences } from "../i18n";
import { FailureNotice } from "../ui/notice";
import { type GpuMemory, gpuMemory } from "./gpu";
import { ServiceCard } from "./service";
import { ModelTable } from "./table";
import "./models.css";

const say = sentences({
  en: {
    title: "Models and service",
    models: "Models",
    hint: "A model that is not loaded is loaded when a document asks for it. Sizes and memory are estimates for planning.",
    absent: (count: number) => `Not in this image (${count})`,
    absentWay: "The server knows these models, but it lacks what they need; each says what.",
  },
  ru: {
    title: "Модели и сервис",
    models: "Модели",
    hint: "Незагруженная модель загрузится сама, когда понадобится документу. Размеры и память приблизительны, для планирования.",
    absent: (count: number) => `Нет в этом образе (${count})`,
    absentWay: "Сервер знает эти модели, но им чего-то не хватает; у каждой сказано, чего именно.",
  },
});

const BUSY_MS = 2_000;
const CALM_MS = 10_000;

export function ModelsView() {
  const health = useSignal<Health | null>(null);
  const memory = useSignal<GpuMemory | null>(null);
  const failure = useSignal<unknown>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let here = true;
    const lookIn = (milliseconds: number) => {
      clearTimeout(timer);
      if (here && !document.hidden) timer = setTimeout(look, milliseconds);
    };
    const look = async () => {
      clearTimeout(timer);
      try {
        const [found] = await Promise.all([askHealth(), refreshModels()]);
        const gpu = found.gpu ? await gpuMemory() : null;
        if (!here) return;
        health.value = found;
        memory.value = gpu;
        failure.value = null;
      } catch (error) {
        failure.value = error;
      }
      lookIn(changing() ? BUSY_MS : CALM_MS);
    };
    const seen = () => {
      if (document.hidden) clearTimeout(timer);
      else void look();
    };
    // a model was just asked to load: it is looked after closely from then on
    const unheed = models.subscribe(() => {
      if (changing()) lookIn(BUSY_MS);
    });
    void look();
    document.addEventListener("visibilitychange", seen);
    return () => {
      here = false;
      clearTimeout(timer);
      unheed();
      document.removeEventListener("visibilitychange", seen);
    };
  }, []);
  const all = models.value;
  const absent = all?.models.filter((model) => model.state === "absent") ?? [];
  const present = all?.models.filter((model) => model.state !== "absent") ?? [];
  return (
    <div class="models">
      <h1>{say().title}</h1>
      {failure.value !== null && <FailureNotice failure={failure.value} />}
      {health.value && <ServiceCard health={health.value} memory={memory.value} />}
      {!all && failure.value === null && <p class="waiting" role="status" aria-busy="true" />}
      {all && (
        <section aria-labelledby="models" class={failure.value === null ? undefined : "stale"}>
          <h2 id="models">{say().models}</h2>
          <p class="hint">{say().hint}</p>
          {present.length > 0 && <ModelTable models={present} usual={all.default_model} label={say().models} />}
        </section>
      )}
      {all && absent.length > 0 && (
        <details class="absent">
          <summary>{say().absent(absent.length)}</summary>
          <p class="hint">{say().absentWay}</p>
          <ModelTable models={absent} usual={all.default_model} label={say().absent(absent.length)} />
        </details>
      )}
    </div>
  );
}

function changing(): boolean {
  return models.value?.models.some((model) => model.state === "loading" || model.state === "draining") ?? false;
}
