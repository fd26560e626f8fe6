"""Pictures in conversations: those that clients send to grok.com, those of a model that draws, those of any answer."""

import base64
import json
import re
from pathlib import Path

import pytest
from test_pictures import EDIT, IMAGE, LITE, SMALL, opens
from test_vision import asking, image, text

from asking import DIALECTS, WEB, ask, whole_text
from files import b64, data_uri, png
from grok2api.media.sniff import sniff
from grok2api.simulator.script import Picture, Say, Script
from rig import CHAT, MESSAGES, SUPER, rigged

every_dialect = pytest.mark.parametrize("dialect", DIALECTS)

PICTURE = png(4, 3)
URI = data_uri("image/png", PICTURE)
TWO = (("one", SUPER), ("two", SUPER))


@every_dialect
@pytest.mark.parametrize("transport", ["rest", "ws"])
async def test_grok_com_is_shown_the_pictures_that_a_client_sends(tmp_path: Path, dialect: str, transport: str) -> None:
    async with rigged(tmp_path, world=SMALL, settings={"upstream.web.transport": transport}) as rig:
        body = asking(dialect, text(dialect, "What?"), image(dialect, URI), model=WEB)
        for _ in range(2):
            status, headers, answer = await rig.post(DIALECTS[dialect], body)
            assert status == 200, answer
            assert "x-grok2api-ignored" not in headers or "max_tokens" in headers["x-grok2api-ignored"]
            assert f"It came with image-1.png (image/png, {len(PICTURE)} bytes)" in whole_text(
                dialect, json.loads(answer)
            )
        accounts = {entry.account for entry in rig.world.journal.of("upload")}
        assert len(rig.world.journal.of("upload")) == len(accounts), "an account is sent a file once"


@every_dialect
async def test_a_picture_is_sent_again_when_another_account_takes_over(tmp_path: Path, dialect: str) -> None:
    async with rigged(tmp_path, world=SMALL, accounts=TWO) as rig:
        rig.world.on(fault="429", endpoint="web", times=1)
        body = asking(dialect, text(dialect, "What?"), image(dialect, URI), model=WEB)
        status, _, answer = await rig.post(DIALECTS[dialect], body)
        assert status == 200, answer
        assert "It came with image-1.png" in whole_text(dialect, json.loads(answer))
        assert {entry.account for entry in rig.world.journal.of("upload")} == {"one", "two"}


async def test_the_SDKs_send_pictures_to_grok_com(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        chat = await rig.openai.chat.completions.create(
            model=WEB,
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What?"},
                        {"type": "image_url", "image_url": {"url": URI}},
                    ],
                }
            ],
        )
        assert "It came with" in (chat.choices[0].message.content or "")
        message = await rig.anthropic.messages.create(
            model=WEB,
            max_tokens=100,
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What?"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": b64(PICTURE)},
                        },
                    ],
                }
            ],
        )
        assert message.content[0].type == "text"
        assert "It came with" in message.content[0].text


@every_dialect
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", [LITE, IMAGE])
async def test_a_model_that_draws_answers_with_links(tmp_path: Path, dialect: str, stream: bool, model: str) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        thinking = {"thinking": {"type": "adaptive"}} if dialect == "messages" else {}
        body = ask(dialect, "A dusk", model=model, stream=stream, image_config={"n": 2}, **thinking)
        status, headers, answer = await rig.post(DIALECTS[dialect], body)
        assert status == 200, answer
        assert headers["x-grok2api-model"] == model
        links = set(re.findall(rb"http://[^\s\"\\]+", answer))
        assert len(links) == 2
        assert all([await opens(rig, url.decode()) for url in links])
        assert re.search(rb"Drawing: \d+ %", answer)
        if not stream:
            assert headers["x-grok2api-images"] == "2"
        await rig.settled()


FORMATS = {
    "grok_url": r"http://\S+/v1/files/image\?id=[0-9a-f]{32}",
    "local_url": r"http://\S+/v1/files/image\?id=[0-9a-f]{32}",
    "grok_md": r"!\[image\]\(http://\S+/v1/files/image\?id=[0-9a-f]{32}\)",
    "local_md": r"!\[image\]\(http://\S+/v1/files/image\?id=[0-9a-f]{32}\)",
    "base64": r"!\[image\]\(data:image/jpeg;base64,[A-Za-z0-9+/=]+\)",
}


@pytest.mark.parametrize("form", FORMATS)
async def test_pictures_stand_in_the_text_as_the_settings_say(tmp_path: Path, form: str) -> None:
    """Of a model that draws, and of an ordinary answer, whose pictures want the account's cookie."""
    async with rigged(tmp_path, world=SMALL, settings={"features.image_format": form}) as rig:
        rig.world.on(script=Script(steps=(Say("Here."), Picture(progress=(50, 100)))), contains="a picture")
        _, _, answer = await rig.post(CHAT, ask("chat", "A dusk", model=LITE, stream=False))
        drawn = whole_text("chat", json.loads(answer))
        assert re.fullmatch(FORMATS[form], drawn)
        for dialect, path in DIALECTS.items():
            _, _, answer = await rig.post(path, ask(dialect, "Show a picture", stream=False))
            said = whole_text(dialect, json.loads(answer))
            assert re.fullmatch(r"Here\.\n\n" + FORMATS[form], said), said
        if form == "base64":
            found = sniff(base64.b64decode(said.partition("base64,")[2].rstrip(")"))[:4096])
            assert found is not None
        else:
            assert await opens(rig, said.split()[-1].removeprefix("![image](").rstrip(")"))


@every_dialect
async def test_a_picture_of_an_answer_that_cannot_be_fetched_is_said_to_be_missing(
    tmp_path: Path, dialect: str
) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        rig.world.on(script=Script(steps=(Say("Here."), Picture(progress=(50, 100)))))
        rig.world.on(fault="404", endpoint="download")
        _, _, answer = await rig.post(DIALECTS[dialect], ask(dialect, stream=False))
        assert whole_text(dialect, json.loads(answer)) == (
            "Here.\n\n(A picture belongs here, but Grok does not hand it out.)"
        )


@every_dialect
async def test_a_model_that_edits_takes_the_pictures_of_the_conversation(tmp_path: Path, dialect: str) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        body = asking(dialect, text(dialect, "Add a rainbow"), image(dialect, URI), model=EDIT)
        status, _, answer = await rig.post(DIALECTS[dialect], body)
        assert status == 200, answer
        assert await opens(rig, whole_text(dialect, json.loads(answer)))
        (upload,) = rig.world.journal.of("upload")
        (edit,) = rig.world.journal.of("edit")
        assert upload.account == edit.account


async def test_what_a_conversation_with_such_a_model_cannot_be(tmp_path: Path) -> None:
    cases = [
        (ask("chat", "A dusk", model=LITE, image_config={"n": 5}), "image_config.n"),
        (ask("chat", "A dusk", model=IMAGE, image_config={"n": 0}), "image_config.n"),
        (ask("chat", "A dusk", model=IMAGE, image_config={"size": "3x3"}), "image_config.size"),
        (ask("chat", "A dusk", model=IMAGE, image_config={"response_format": "gif"}), "image_config.response_format"),
        (ask("chat", "A dusk", model=IMAGE, n=2), "n"),
        (ask("chat", "A dusk", model=EDIT), "messages"),
        (asking("chat", text("chat", "A dusk"), image("chat", URI), model=IMAGE), "messages.0.content.1.image_url.url"),
        (asking("chat", image("chat", URI), model=EDIT), "messages"),
    ]
    async with rigged(tmp_path, world=SMALL) as rig:
        for body, param in cases:
            status, _, answer = await rig.post(CHAT, body)
            assert (status, json.loads(answer)["error"]["param"]) == (400, param)


async def test_words_about_pictures_are_reported_where_a_model_only_talks(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        _, headers, _ = await rig.post(CHAT, ask("chat", stream=False, image_config={"n": 2}))
        assert headers["x-grok2api-ignored"] == "image_config"
        _, headers, _ = await rig.post(CHAT, ask("chat", "A dusk", model=LITE, stream=False, temperature=0.3, seed=1))
        assert headers["x-grok2api-ignored"] == "temperature, seed"


async def test_thinking_can_be_left_out(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        body = ask("chat", "A dusk", model=LITE, stream=False, reasoning_effort="none")
        _, _, answer = await rig.post(CHAT, body)
        assert b"Drawing" not in answer


async def test_a_refusal_speaks_the_dialect(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        rig.world.on(fault="withheld", endpoint="web")
        status, _, answer = await rig.post(MESSAGES, ask("messages", "A dusk", model=LITE, stream=False))
        assert (status, json.loads(answer)["type"]) == (400, "error")
