// Errors in plain words, with the way out. The server's own words, in English, stand below them.

import { type Failure, isGateways } from "../api/http";
import type { Trouble } from "../api/types";
import { counted, language, sentences } from "../i18n";

type Words = [what: string, wayOut: string];

const say = sentences({
  en: {
    again: (seconds: number) => `Try again in ${counted(seconds, "second", "seconds")}.`,
    unknown: "Something went wrong",
    unknownWay: "Try once more. If it stays, show the words below to whoever runs this service.",
  },
  ru: {
    again: (seconds: number) => `Повторите через ${counted(seconds, "секунду", "секунды", "секунд")}.`,
    unknown: "Что-то пошло не так",
    unknownWay: "Попробуйте ещё раз. Если не поможет, покажите текст ниже тому, кто отвечает за сервис.",
  },
});

const WORDS = { en: english(), ru: russian() };

/** What happened, and what to do. */
export function inWords(failure: Failure | Trouble): { what: string; wayOut: string } {
  const code = isGateways(failure) ? "unreachable" : failure.code;
  const [what, way] = WORDS[language.value][code] ?? [say().unknown, say().unknownWay];
  const seconds = "retryAfter" in failure ? failure.retryAfter : null;
  return { what, wayOut: seconds ? `${way} ${say().again(seconds)}`.trim() : way };
}

function english(): Partial<Record<string, Words>> {
  return {
    unreachable: ["The server does not answer", "Is it running, and are you connected? Nothing that was handed in is lost."],
    not_sent: ["The server does not answer", "The file may not have arrived. It can be sent again safely: it is never read twice."],
    unauthorized: ["The server wants a token", "Enter it at the top of the page. Whoever runs this service gives it out."],
    forbidden: ["This is not allowed", "The service is not set up to do that."],
    not_found: ["It is not here", "Results are kept for a while only, and each token sees its own. Send the document again."],
    unknown_model: ["This server does not have that model", "Choose another one."],
    file_gone: ["This file can no longer be read", "It was moved or changed, or it is a folder. Choose it again."],
    no_clipboard: ["The browser does not let this page copy", "Select the text and copy it with the keyboard."],
    empty_file: ["The file is empty", "Choose another file."],
    unsupported_type: ["This is neither a PDF nor an image that can be read", "Save it as PDF, PNG or JPEG and send that."],
    damaged_file: ["The file is damaged", "Open it in its own program, save it anew and send that."],
    encrypted_pdf: ["The PDF has a password", "Save it without a password and send that."],
    reader_killed: ["The file could not be opened", "It took too much memory or time. Send fewer pages, or smaller images."],
    upload_too_large: ["The file is too large for this server", "Send it in parts, or with smaller images."],
    too_many_pages: ["The document has too many pages for this server", "Name the pages that you need under “Pages”, such as 1-20."],
    too_many_pixels: ["The image has too many pixels", "Make it smaller and send that."],
    bad_page_range: ["These pages are not in the document", "Write them as 1-3,7, within the document."],
    bad_option: ["One of the options will not do", "Look at what you have set under “Options”; the words below name it."],
    bad_request: ["The server did not understand the request", "Reload this page and try again."],
    no_result_yet: ["Nothing has been read yet", "The first page appears here as soon as it is done."],
    no_chat: ["This model does not answer questions", "Choose one that does."],
    rate_limited: ["That was faster than this token may", "Wait a little."],
    queue_full: ["The server has all the work that it can hold", "Your document is still here."],
    model_loading: ["The model is being loaded", "That may take minutes. Try again then."],
    model_unavailable: ["The model cannot be used now", "Choose another one; “Models” says why."],
    draining: ["The server is being restarted", "Jobs go on by themselves afterwards."],
    engine_crashed: ["The model crashed on this page, twice", "Try another model."],
    engine_failed: ["The model could not read this", "Try another model."],
    out_of_space: ["The server's disk is full", "Remove documents that you do not need, or tell whoever runs this service."],
    deadline_exceeded: ["It took too long", "Send fewer pages, or try a faster model."],
    internal_error: ["The server made a mistake", "Try once more. If it stays, report the words below."],
  };
}

function russian(): Partial<Record<string, Words>> {
  return {
    unreachable: ["Сервер не отвечает", "Он запущен, и есть ли связь? Ничего из отправленного не пропало."],
    not_sent: ["Сервер не отвечает", "Возможно, файл не дошёл. Его можно спокойно отправить ещё раз: дважды он прочитан не будет."],
    unauthorized: ["Серверу нужен токен", "Введите его вверху страницы. Токен выдаёт тот, кто отвечает за сервис."],
    forbidden: ["Это не разрешено", "Сервис не настроен для этого."],
    not_found: ["Здесь этого нет", "Результаты хранятся ограниченное время, и по каждому токену видны только свои документы. Отправьте документ ещё раз."],
    unknown_model: ["На этом сервере нет такой модели", "Выберите другую."],
    file_gone: ["Этот файл больше не прочитать", "Он перемещён, изменён, или это папка. Выберите его снова."],
    no_clipboard: ["Браузер не даёт этой странице копировать", "Выделите текст и скопируйте его с клавиатуры."],
    empty_file: ["Файл пуст", "Выберите другой файл."],
    unsupported_type: ["Это не PDF и не изображение, которое можно прочитать", "Сохраните его как PDF, PNG или JPEG и отправьте снова."],
    damaged_file: ["Файл повреждён", "Откройте его в своей программе, сохраните заново и отправьте."],
    encrypted_pdf: ["PDF защищён паролем", "Сохраните его без пароля и отправьте."],
    reader_killed: ["Файл не удалось открыть", "На него ушло слишком много памяти или времени. Отправьте меньше страниц или изображения поменьше."],
    upload_too_large: ["Файл слишком велик для этого сервера", "Отправьте его частями или с изображениями поменьше."],
    too_many_pages: ["В документе слишком много страниц для этого сервера", "Укажите нужные в поле «Страницы», например 1-20."],
    too_many_pixels: ["В изображении слишком много пикселей", "Уменьшите его и отправьте снова."],
    bad_page_range: ["Таких страниц в документе нет", "Запишите их как 1-3,7, в пределах документа."],
    bad_option: ["Один из параметров не подходит", "Проверьте «Параметры»; ниже сказано, какой именно."],
    bad_request: ["Сервер не понял запрос", "Обновите страницу и попробуйте снова."],
    no_result_yet: ["Пока ничего не прочитано", "Первая страница появится здесь, как только будет готова."],
    no_chat: ["Эта модель не отвечает на вопросы", "Выберите ту, которая отвечает."],
    rate_limited: ["Слишком частые запросы для этого токена", "Немного подождите."],
    queue_full: ["Сервер загружен полностью", "Ваш документ никуда не делся."],
    model_loading: ["Модель загружается", "Это может занять минуты. Попробуйте потом ещё раз."],
    model_unavailable: ["Модель сейчас недоступна", "Выберите другую; причина указана в разделе «Модели»."],
    draining: ["Сервер перезапускается", "Задания затем продолжатся сами."],
    engine_crashed: ["Модель дважды аварийно завершилась на этой странице", "Попробуйте другую модель."],
    engine_failed: ["Модель не смогла это прочитать", "Попробуйте другую модель."],
    out_of_space: ["На диске сервера нет места", "Удалите ненужные документы или сообщите тому, кто отвечает за сервис."],
    deadline_exceeded: ["Это заняло слишком много времени", "Отправьте меньше страниц или возьмите модель побыстрее."],
    internal_error: ["Ошибка сервера", "Попробуйте ещё раз. Если повторится, сообщите текст ниже."],
  };
}
