"""The page in Chromium: every control is used and does what it says, and nothing beside it goes wrong."""

import io
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from http.client import HTTPConnection

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("streamlit", reason="the explorer needs Streamlit")
playwright = pytest.importorskip("playwright.sync_api", reason="the tests in a browser need Playwright")
CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip("the tests in a browser need Chromium: apt-get install chromium", allow_module_level=True)

expect = playwright.expect
#: Milliseconds to wait for what must come.
PATIENCE = 15_000


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def place(finished, tmp_path_factory):
    """A copy of the study of which one cell is damaged."""
    results = tmp_path_factory.mktemp("browser") / "results"
    shutil.copytree(finished.parent, results)
    models = results / "tiny/cells/digits/beta_vae/beta~1/models.safetensors"
    models.write_bytes(models.read_bytes()[:5000])
    return results / "tiny"


@pytest.fixture(scope="module")
def address(place, tmp_path_factory):
    """Of the page, served as by hand."""
    port = free_port()
    command = [sys.executable, "-m", "multibeta.cli", "explore", str(place), "--port", str(port)]
    log = tmp_path_factory.mktemp("served") / "log"
    with log.open("w") as written, subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT) as server:
        try:
            health = f"http://127.0.0.1:{port}/_stcore/health"
            for _ in range(300):
                assert server.poll() is None, log.read_text()
                try:
                    urllib.request.urlopen(health, timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Opens the page with a query and checks at the end that nothing went wrong and nobody else was asked."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page = context.new_page()
    failures, requests = [], []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))

    def opened(query=""):
        page.goto(f"{address}?{query}")
        page.get_by_role("tab").first.wait_for()
        return page

    yield opened
    assert page.get_by_test_id("stException").count() == 0
    assert failures == []
    assert {url for url in requests if not url.startswith((address, "data:", "blob:"))} == set()
    context.close()


def choose(page, label, option, nth=0):
    """Take an option of the nth select box of that label."""
    page.get_by_role("combobox", name=label).nth(nth).click()
    page.get_by_role("option", name=option, exact=True).click()


def images(page):
    return page.locator("figure img")


def changed(image, before):
    """Wait until an image is another one, and return its source."""
    expect(image).not_to_have_attribute("src", before)
    return image.get_attribute("src")


def settled(image):
    """The source of an image when it no longer changes."""
    seen = ""
    while (now := source(image)) != seen:
        seen = now
        image.page.wait_for_timeout(600)
    return seen


def idle(page):
    """Wait until nothing is being made, and the browser has drawn what was."""
    page.wait_for_timeout(300)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(500)


def source(image):
    image.wait_for()
    return image.get_attribute("src")


def move(page, k=0):
    """Move the kth slider ten steps by the keyboard, and return the value that then stands beside it."""
    value = page.locator("output").nth(k)
    before = value.inner_text()
    page.get_by_role("slider").nth(k).focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(value).not_to_have_text(before)
    return value.inner_text()


def a_file(side=40):
    buffer = io.BytesIO()
    pixels = np.zeros((side, side), np.uint8)
    pixels[10:30, 5:20] = 255
    Image.fromarray(pixels).save(buffer, "png")
    return {"name": "mine.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def test_sliders_move_the_image_and_go_back(visit):
    page = visit("dataset=sprites&seed=1")
    image = images(page).first
    still = source(image)
    sliders = page.get_by_role("slider")
    assert sliders.count() >= 1
    seen = still
    for k in range(sliders.count()):
        move(page, k)
        seen = changed(image, seen)
    page.get_by_role("button", name="Back to the start").click()
    expect(image).to_have_attribute("src", still)
    assert page.locator("output").first.inner_text() == "0.00"


def test_the_image_follows_while_a_slider_is_dragged(visit):
    page = visit("dataset=sprites&seed=1")
    image = images(page).first
    source(image)
    page.evaluate(
        """image => {
            window.seen = 0;
            const watch = { attributes: true, attributeFilter: ["src"] };
            new MutationObserver(() => (window.seen += 1)).observe(image, watch);
        }""",
        image.element_handle(),
    )
    box = page.get_by_role("slider").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for step in range(40):
        page.mouse.move(box["x"] + box["width"] * (0.5 + step / 100), middle)
        page.wait_for_timeout(25)
    before_it_is_let_go = page.evaluate("window.seen")
    page.mouse.up()
    assert before_it_is_let_go >= 3


def test_sliders_stay_where_they_are_while_another_panel_is_open(visit):
    page = visit("dataset=sprites&seed=1")
    image = images(page).first
    still = source(image)
    value = move(page)
    changed(image, still)
    moved = settled(image)
    page.get_by_role("tab", name="Training curves").click()
    page.get_by_text("means over the steps").wait_for()
    page.get_by_role("tab", name="Sliders").click()
    expect(images(page).first).to_have_attribute("src", moved)
    expect(page.locator("output").first).to_have_text(value)


def test_another_run_of_every_kind_shows_another_image(visit):
    page = visit()
    seen = source(images(page).first)
    choose(page, "Seed", "1")
    seen = changed(images(page).first, seen)
    choose(page, "β", "1")
    seen = changed(images(page).first, seen)
    choose(page, "Dataset", "digits")
    seen = changed(images(page).first, seen)
    choose(page, "Variant", "CVAE")
    changed(images(page).first, seen)
    expect(page.locator("figcaption").last).to_have_text("digits · CVAE · β = 1 · seed 1")
    choose(page, "is told label", "7")
    changed(images(page).first, seen)


def test_two_models_move_under_the_same_sliders(visit):
    page = visit("dataset=sprites&seed=1")
    source(images(page).first)
    page.get_by_text("A second model beside it").click()
    expect(images(page)).to_have_count(2)
    expect(page.get_by_text("sprites · β-VAE · β = 1 · seed 0")).to_be_visible()
    second = source(images(page).nth(1))
    choose(page, "Seed", "1", nth=1)
    second = changed(images(page).nth(1), second)
    choose(page, "β", "0.1", nth=1)
    changed(images(page).nth(1), second)
    # It is now the model itself: every latent is its own partner.
    expect(page.get_by_text("|r| 1.00").first).to_be_visible()
    move(page)
    page.wait_for_function(
        "() => { const [a, b] = [...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean)"
        ".flatMap(root => [...root.querySelectorAll('figure img')]); return a.src === b.src; }"
    )


def test_held_out_images_are_picked_from_their_pages(visit):
    page = visit("dataset=sprites&seed=1")
    prior = source(images(page).first)
    page.get_by_role("radio", name="Held-out image").click()
    expect(images(page)).to_have_count(2)
    original = changed(images(page).first, prior)
    gallery = page.locator(".gallery button")
    gallery.nth(5).click()
    expect(gallery.nth(5)).to_have_attribute("aria-pressed", "true")
    original = changed(images(page).first, original)
    assert original == gallery.nth(5).locator("img").get_attribute("src")
    first = gallery.first.locator("img").get_attribute("src")
    page.get_by_role("spinbutton", name="Page of").fill("2")
    page.keyboard.press("Enter")
    changed(gallery.first.locator("img"), first)
    gallery.nth(2).click()
    changed(images(page).first, original)
    expect(page.get_by_text("held out", exact=False).first).to_be_visible()


def test_an_image_of_ones_own_is_dropped_inverted_and_kept(visit):
    page = visit("dataset=sprites&seed=1")
    page.get_by_role("radio", name="Your own image").click()
    page.locator("input[type=file]").set_input_files(a_file())
    expect(page.get_by_text("mine.png", exact=True).last).to_be_visible()
    expect(images(page)).to_have_count(2)
    seen = source(images(page).first)
    page.get_by_text("Invert, as for a drawing on paper").click()
    inverted = changed(images(page).first, seen)
    page.get_by_role("tab", name="Samples").click()
    page.get_by_text("share a draw of noise").wait_for()
    page.get_by_role("tab", name="Sliders").click()
    expect(images(page).first).to_have_attribute("src", inverted)


def test_a_file_that_is_no_image_is_a_line(visit):
    page = visit("dataset=sprites&seed=1")
    page.get_by_role("radio", name="Your own image").click()
    page.locator("input[type=file]").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"nonsense"})
    expect(page.get_by_text("the file dropped here is no image of a known format")).to_be_visible()


def test_inactive_latents_are_shown_on_demand(visit):
    page = visit("dataset=digits&variant=CVAE")
    source(images(page).first)
    page.get_by_text("Inactive latents too").click()
    expect(page.get_by_role("slider")).to_have_count(4)


def test_the_way_between_two_images(visit):
    page = visit("dataset=digits&variant=CVAE&panel=Interpolation&beside=true")
    strips = page.get_by_test_id("stImage").locator("img")
    expect(strips).to_have_count(2)
    seen = source(strips.first)
    page.locator(".gallery").first.locator("button").nth(7).click()
    seen = changed(strips.first, seen)
    page.locator(".gallery").last.locator("button").nth(3).click()
    seen = changed(strips.first, seen)
    page.get_by_role("slider", name="Steps").focus()
    page.keyboard.press("ArrowRight")
    seen = changed(strips.first, seen)
    page.get_by_role("radio", name="Your own image").last.click()
    page.locator("input[type=file]").set_input_files(a_file())
    expect(page.get_by_text("mine.png", exact=True).first).to_be_visible()
    changed(strips.first, seen)
    told, second = source(strips.first), source(strips.last)
    choose(page, "is told label", "7")
    changed(strips.first, told)
    choose(page, "Variant", "β-VAE", nth=1)
    changed(strips.last, second)


def test_samples_of_a_value(visit):
    page = visit("dataset=sprites&panel=Samples")
    image = page.get_by_test_id("stImage").locator("img").first
    seen = source(image)
    page.get_by_role("spinbutton", name="Draw").fill("3")
    page.keyboard.press("Enter")
    seen = changed(image, seen)
    choose(page, "Of", "x")
    changed(image, seen)
    expect(page.get_by_text("Drawn from a Gaussian fitted")).to_be_visible()


def test_samples_of_a_model_that_is_told(visit):
    page = visit("dataset=digits&variant=CVAE&panel=Samples")
    expect(page.get_by_text("The model is told the value")).to_be_visible()


def test_points_of_the_codes_are_coloured_and_clicked(visit):
    page = visit("dataset=sprites&panel=Codes")
    points = page.locator(".mark-symbol.role-mark path")
    expect(points).to_have_count(600)
    place = points.nth(300).get_attribute("transform")
    choose(page, "Coloured by", "scale")
    expect(page.locator(".role-legend").get_by_text("scale")).to_be_visible()
    latents = page.get_by_role("combobox", name="Across")
    latents.click()
    page.get_by_role("option").last.click()
    expect(points.nth(300)).not_to_have_attribute("transform", place)
    place = points.nth(300).get_attribute("transform")
    page.get_by_role("combobox", name="Up").click()
    page.get_by_role("option").last.click()
    expect(points.nth(300)).not_to_have_attribute("transform", place)
    idle(page)
    points.nth(300).click(force=True)
    original = page.get_by_test_id("stHtml").locator("img").first
    shown = source(original)
    page.get_by_role("button", name="Start the sliders from it").click()
    expect(images(page)).to_have_count(2)
    assert source(images(page).first) == shown
    expect(page.get_by_role("radio", name="Picked point")).to_be_checked()


def test_the_tradeoff_figure_marks_the_cell(visit):
    page = visit("dataset=sprites&panel=Trade-off")
    image = page.get_by_test_id("stImage").locator("img")
    seen = source(image)
    expect(page.get_by_text("Ringed: sprites · β-VAE · β = 0.1.")).to_be_visible()
    choose(page, "β", "1")
    seen = changed(image, seen)
    expect(page.get_by_text("Ringed: sprites · β-VAE · β = 1.")).to_be_visible()
    for name in ("What the strength buys and costs", "Disentanglement"):
        page.get_by_role("radio", name=name).click()
        seen = changed(image, seen)


def test_training_curves_of_every_term(visit):
    page = visit("dataset=sprites&panel=Training+curves")
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(charts).to_have_count(3)
    expect(charts.first.locator(".mark-line path").first).to_be_attached()
    page.get_by_role("button", name="learning_rate").click()
    expect(charts).to_have_count(4)


def test_a_damaged_cell_is_named_and_not_offered(visit):
    page = visit("dataset=digits")
    expect(page.get_by_text("digits · beta_vae · 1: models.safetensors: damaged")).to_be_visible()
    page.get_by_role("combobox", name="β").click()
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Escape")


def test_a_model_is_trained_stopped_trained_shorter_and_looked_at(visit, place):
    page = visit("panel=Train+one")
    page.get_by_role("textbox", name="Name").fill("tried")
    choose(page, "Dataset", "digits", nth=1)
    choose(page, "Variant", "β-TCVAE", nth=1)
    for name, value in (("Strength", "2"), ("Latents", "3"), ("Seed", "5")):
        page.get_by_role("spinbutton", name=name).fill(value)
    page.get_by_role("slider", name="Steps").focus()
    page.keyboard.press("End")
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("of 3000", exact=False).wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("stopped; train it again to go on from here").wait_for()
    page.get_by_role("slider", name="Steps").focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("button", name="Look at it").wait_for(timeout=120_000)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("digits · β-TCVAE · β = 2 · seed 5 · explorer-tried")).to_be_visible()
    source(images(page).first)
    assert (place.parent / "explorer-tried/cells/digits/beta_tcvae/beta~2/metrics.csv").is_file()


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 101), ("elsewhere.example", 403)])
def test_only_pages_of_this_machine_reach_it(address, host, status):
    """A page of elsewhere whose name is made to lead here is refused, by the host it asks for."""
    port = int(address.rstrip("/").rpartition(":")[2])
    request = HTTPConnection("127.0.0.1", port, timeout=10)
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    upgrade |= {
        "Host": f"{host}:{port}",
        "Origin": f"http://{host}:{port}",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    request.request("GET", "/_stcore/stream", headers=upgrade)
    assert request.getresponse().status == status
    request.close()
