"""Text that wants to be markup: in what was recognised, in file names, in errors. On the page it stays text."""

import json
import zlib
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.contract import samples
from tests.contract.jobs import database
from tests.contract.running import Server
from tests.web.documents import handed_in, report
from tests.web.person import Person, dropped

pytestmark = pytest.mark.web

PAYLOADS = (
    "<script>alert('script')</script>",
    "<img src=x onerror=alert('image')>",
    "<svg onload=alert('svg')><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s></svg>",
    "[a link](javascript:alert('link'))",
    "[another](  JaVaScRiPt&colon;alert(1))",
    "<a href='javascript:alert(1)'>press</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>press</a>",
    "[into this page](#/models) <a href='/jobs'>press</a> [elsewhere](https://elsewhere.test/)",
    "![picture](https://elsewhere.test/pixel.png)",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='javascript:alert(1)'></object><embed src='javascript:alert(1)'>",
    "<form action='https://elsewhere.test/'><button>Send</button></form>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<style>body{display:none}</style><link rel=stylesheet href='https://elsewhere.test/x.css'>",
    "<base href='https://elsewhere.test/'><meta http-equiv=refresh content='0;url=https://elsewhere.test/'>",
    "<p style='position:fixed;inset:0;background:url(https://elsewhere.test/)'>over everything</p>",
    "<input autofocus onfocus=alert(1)><details open ontoggle=alert(1)>",
    "<div id=app class='top primary'>mine</div><button name=submit>x</button>",
    "$\\href{javascript:alert(1)}{x}$ and $$\\includegraphics{https://elsewhere.test/x}$$",
    "`</code><script>alert(1)</script>`",
)
TABLE = "<table onclick=alert(1)><tr><td onmouseover=alert(1)>{}</td><td style='position:fixed'>2</td></tr></table>"
SCRIPTS = (
    "main script, main iframe, main object, main embed, main form[action], main style, main link, main base, main meta"
)
HANDLERS = """[...document.querySelectorAll("*")]
    .filter(each => [...each.attributes].some(own => own.name.startsWith("on"))).length"""


def block(order: int, content: str, kind: str) -> dict[str, object]:
    place = {"type": "text", "bbox": [10, 10 + 20 * order, 200, 28 + 20 * order], "order": order}
    return {**place, "content": content, "format": kind, "confidence": 0.5, "verdict": None}


@pytest.fixture(scope="module")
def wicked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server with a job whose page says all of this, as if a model had read it."""
    data = tmp_path_factory.mktemp("wicked")
    with Server(PDF_DPI="100", DATA_DIR=str(data), PRELOAD="pp-ocr") as server:
        job = handed_in(server.ready(), report())
    with database(data) as db:
        [stored] = db.execute("SELECT page FROM pages WHERE job = ? AND number = 1", (job,)).fetchone()
        page = json.loads(zlib.decompress(stored))
        texts = [block(order, each, "text") for order, each in enumerate(PAYLOADS)]
        tables = [block(len(texts) + order, TABLE.format(each), "table-html") for order, each in enumerate(PAYLOADS)]
        formulas = [block(len(texts) * 2 + order, each, "latex") for order, each in enumerate(PAYLOADS)]
        page["blocks"] = [*texts, *tables, *formulas]
        page["markdown"] = page["text"] = "\n\n".join((*PAYLOADS, *(TABLE.format(each) for each in PAYLOADS)))
        db.execute(
            "UPDATE pages SET page = ? WHERE job = ? AND number = 1", (zlib.compress(json.dumps(page).encode()), job)
        )
    with Server(PDF_DPI="100", DATA_DIR=str(data), MODELS="pp-ocr,tesseract", PRELOAD="pp-ocr") as server:
        yield server.ready(), job


def nothing_came_of_it(someone: Person) -> None:
    """No script ran, nothing was asked of anyone, and the page is the page."""
    page = someone.page
    page.wait_for_timeout(300)
    assert page.locator(SCRIPTS).count() == 0
    assert page.evaluate(HANDLERS) == 0
    assert page.evaluate("document.baseURI").startswith(someone.server.url)
    leads_to = page.evaluate("[...document.querySelectorAll('.rendered [href]')].map(each => each.href)")
    assert set(leads_to) <= {"https://elsewhere.test/"}
    expect(page.get_by_role("banner").get_by_role("link", name="Documents")).to_be_visible()
    someone.is_calm()


def test_recognised_text_is_text_in_every_view(browser: Browser, wicked: tuple[Server, str]) -> None:
    server, job = wicked
    with Person(browser, server) as someone:
        someone.opens(f"#/jobs/{job}?page=1")
        panel = someone.main.get_by_role("region", name="Text of page 1")
        expect(panel.get_by_text("<script>alert('script')</script>").first).to_be_visible()
        nothing_came_of_it(someone)
        for link in panel.get_by_role("link").all():
            link.click(force=True)
        for way in ("Markdown", "JSON"):
            someone.main.get_by_role("button", name=way, exact=True).click()
            expect(panel).to_contain_text("<script>alert('script')</script>")
            nothing_came_of_it(someone)
        someone.main.get_by_role("searchbox", name="Search the text").fill("<img src=x")
        nothing_came_of_it(someone)
        someone.page.goto(f"{server.url}/#/jobs/{job}/compare?page=1")
        someone.main.get_by_role("button", name="Compare", exact=True).click()
        expect(someone.main.get_by_role("table")).to_contain_text("alert")
        nothing_came_of_it(someone)


def test_tables_and_formulas_are_edited_as_text(browser: Browser, wicked: tuple[Server, str]) -> None:
    server, job = wicked
    with Person(browser, server) as someone:
        panel = someone.opens(f"#/jobs/{job}?page=1").main.get_by_role("region", name="Text of page 1")
        for order in (1, len(PAYLOADS) + 1, len(PAYLOADS) + 2, 2 * len(PAYLOADS) + 2):
            panel.get_by_role("button", name=f"Edit block {order},").click()
            panel.get_by_role("button", name="Save").click()
            expect(panel.get_by_role("button", name="Save")).to_have_count(0)
            nothing_came_of_it(someone)


def test_file_names_and_errors_are_text(person: Callable[..., Person]) -> None:
    someone = person().opens()
    name = "<img src=x onerror=alert(1)>.pdf"
    dropped(someone.page, (name, "application/pdf", samples.pdf(1)))
    expect(someone.main.get_by_text(name)).to_be_visible()
    someone.page.get_by_role("button", name="Recognise", exact=True).click()
    expect(someone.page.get_by_role("heading", name=name, level=1)).to_be_visible()
    nothing_came_of_it(someone)
    someone.page.get_by_role("link", name="Documents").click()
    expect(someone.main.get_by_role("link", name=name).first).to_be_visible()
    nothing_came_of_it(someone)
    with someone.expecting(404):
        someone.page.goto(f"{someone.server.url}/#/jobs/{'<script>alert(1)</script>'}")
        expect(someone.page.get_by_role("alert")).to_be_visible()
    nothing_came_of_it(someone)
