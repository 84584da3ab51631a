"""What the main-thread rule is for: `.venv-paddle/bin/python tests/paddle/off_main_thread.py PADDLEX_HOME IMAGE.ppm`.

Loads the engine in a thread that ends, once as it is and once with its guard taken away, and then reads two pages, as
PaddleX does with threads of its own. Prints the two errors.
"""

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from server import catalog
from server.engines.base import Loading, PageInput
from server.engines.paddle_vl import PaddleVlEngine


def load_in_a_thread(engine: PaddleVlEngine, loading: Loading) -> str | None:
    error: list[str] = []

    def load() -> None:
        try:
            engine.load(loading)
        except Exception as caught:  # noqa: BLE001 whatever it is, it is printed
            error.append(str(caught))

    thread = threading.Thread(target=load)
    thread.start()
    thread.join()
    return error[0] if error else None


def main() -> None:
    home, image = Path(sys.argv[1]), Path(sys.argv[2])
    entry = catalog.read()["paddleocr-vl"]
    loading = Loading(entry, {weights.name: home / weights.folder for weights in entry.weights})
    engine = PaddleVlEngine()
    print("guarded:", load_in_a_thread(engine, loading))
    threading.main_thread = threading.current_thread
    assert load_in_a_thread(engine, loading) is None
    pages = [PageInput(number, image, 640, 900) for number in (1, 2)]
    try:
        list(engine.recognise(pages, entry.check_options({"max_new_tokens": 4})))
    except Exception as caught:  # noqa: BLE001
        print("unguarded:", caught)


if __name__ == "__main__":
    main()
