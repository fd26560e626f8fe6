"""The imagine socket: rounds of slots in every order, and what a run makes of them."""

import base64
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_telling import OPTIONS, summary

from grok2api.canonical.events import Previewed
from grok2api.canonical.media import Completed, ImageRequest, Made
from grok2api.canonical.problem import Kind, Problem
from grok2api.upstreams.grok_web.imagine_wire import Imagine, ask, reset, socket_url
from grok2api.upstreams.grok_web.options import MediaOptions, WebOptions

PUBLIC = "https://imagine-public.x.ai/imagine-public/images"
JPEG = base64.b64encode(b"\xff\xd8 picture").decode()
BETTER = base64.b64encode(b"\xff\xd8 a better picture").decode()
CUT = Problem(kind=Kind.CUT, message="cut")
SILENCE = Problem(kind=Kind.TIMEOUT, message="silent")


def start(ident, order=0, **more):
    return json.dumps({"type": "json", "current_status": "start_stage", "image_id": ident, "order": order, **more})


def image(ident, percent=50.0, blob=JPEG, order=0, **more):
    told = {"type": "image", "url": f"{PUBLIC}/{ident}.jpg", "percentage_complete": percent, "order": order, **more}
    return json.dumps(told | ({"blob": blob} if blob else {}))


def completed(ident, order=0, moderated=False):
    told = {"type": "json", "current_status": "completed", "image_id": ident, "order": order, "moderated": moderated}
    return json.dumps(told)


def error(code="rate_limit_exceeded", text="Image rate limit exceeded"):
    return json.dumps({"type": "error", "err_code": code, "err_msg": text})


def running(n=2, pro=False, options=OPTIONS):
    run = Imagine(ImageRequest(prompt="a lighthouse", n=n, ratio="2:3"), options, pro=pro)
    run.begin(1, "r-1")
    return run


def fed(run, *messages):
    return [fact for message in messages for fact in run.feed(message)]


def ended(run, *messages, problem=None, last=False):
    """The facts of one round that ends the run."""
    facts = fed(run, *messages)
    run.end_round(problem, last=last)
    return summary(facts + run.finish())


def test_a_round_is_a_reset_and_a_request_in_the_recorded_form():
    request = ImageRequest(prompt="a lighthouse at dusk", n=4, ratio="2:3")
    assert json.loads(reset(1767225600000)) == {
        "type": "conversation.item.create", "timestamp": 1767225600000,
        "item": {"type": "message", "content": [{"type": "reset"}]},
    }  # fmt: skip
    options = WebOptions(media=MediaOptions(nsfw=False))
    assert json.loads(ask(request, 4, options, 1767225600001, "0b1e55ed", pro=False)) == {
        "type": "conversation.item.create", "timestamp": 1767225600001,
        "item": {"type": "message", "content": [{
            "requestId": "0b1e55ed", "type": "input_text", "text": "a lighthouse at dusk",
            "properties": {
                "section_count": 0, "is_kids_mode": False, "enable_nsfw": False,
                "skip_upsampler": False, "enable_side_by_side": True, "is_initial": False,
                "aspect_ratio": "2:3", "enable_pro": False, "num_generations": 4}}]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "url"),
    [
        (OPTIONS, "wss://grok.com/ws/imagine/listen"),
        (WebOptions(base_url="http://127.0.0.1:9"), "ws://127.0.0.1:9/ws/imagine/listen"),
        (WebOptions(ws_url="wss://other"), "wss://other/ws/imagine/listen"),
    ],
)
def test_the_socket_is_where_the_settings_say(options, url):
    assert socket_url(options) == url


def test_a_slot_starts_improves_and_completes():
    run = running(1)
    told = ended(run, start("a"), image("a"), image("a", 30.0), image("a", 100.0, BETTER), completed("a"))
    assert told == {
        "percents": [10, 50, 99, 100],
        "previews": [[0, 50], [0, 50]],
        "made": [f"0 a {PUBLIC}/a.jpg 19 bytes image/jpeg public"],
        "end": "completed 1 0",
    }


def test_slots_complete_in_any_order_and_keep_their_numbers():
    run = running(3)
    messages = [start(name, place) for place, name in enumerate("abc")]
    messages += [image(name, 100.0, order=place) for place, name in enumerate("abc")]
    told = ended(run, *messages, completed("c", 2), completed("a", 0), completed("b", 1))
    assert [one[:3] for one in told["made"]] == ["2 c", "0 a", "1 b"]
    assert told["percents"][-1] == 100


def test_a_moderated_slot_is_withheld_and_asked_for_again():
    run = running(2)
    messages = (start("a"), start("b", 1), image("a"), image("b", order=1), completed("a", moderated=True))
    facts = fed(run, *messages, completed("b", 1))
    assert (run.round.settled, run.round.over) == (True, False)
    run.end_round()
    assert (run.made, run.withheld, run.wants_round) == (1, 1, True)
    asked = json.loads(run.begin(5, "r-2")[1])["item"]["content"][0]["properties"]["num_generations"]
    assert asked == 1
    facts += fed(run, start("c"), image("c"), completed("c"))
    run.end_round()
    told = summary(facts + run.finish())
    assert [one[:3] for one in told["made"]] == ["1 b", "2 c"]
    assert (told["withheld"], told["end"]) == ([0], "completed 2 1")


def test_rounds_that_are_all_moderated_end_in_a_refusal_soon():
    run = Imagine(ImageRequest(prompt="a", n=4), OPTIONS, pro=False)
    rounds = 0
    while run.wants_round:
        run.begin(1, "r")
        fed(run, start(f"a{rounds}"), completed(f"a{rounds}", moderated=True))
        run.end_round()
        rounds += 1
    assert rounds == 2
    assert summary(run.finish())["end"] == "failed refused content_moderated"


def test_rounds_are_bounded_even_when_each_brings_one():
    run = Imagine(ImageRequest(prompt="a", n=10), OPTIONS, pro=False)
    rounds = 0
    while run.wants_round:
        run.begin(1, "r")
        fed(run, start(f"a{rounds}"), image(f"a{rounds}"), completed(f"a{rounds}"))
        run.end_round(CUT)
        rounds += 1
    assert rounds == 6
    assert summary(run.finish())["end"] == "completed 6 0"


def test_a_round_with_fewer_slots_than_asked_is_settled_but_not_over():
    run = running(3)
    fed(run, start("a"), image("a"), completed("a"))
    assert run.round.settled
    assert not run.round.over
    fed(run, start("b", 1))
    assert not run.round.settled


def test_more_slots_than_asked_are_not_waited_for():
    run = running(1)
    facts = fed(run, *(start(name, place) for place, name in enumerate("abcd")), image("c", order=2), completed("c", 2))
    assert run.round.over
    assert fed(run, image("a"), completed("a")) == []
    run.end_round()
    assert summary(facts + run.finish())["end"] == "completed 1 0"


def test_a_long_run_reads_a_round_to_its_end_before_the_next():
    run = running(10)
    messages = [start(name, place) for place, name in enumerate("abcdefg")]
    for place, name in enumerate("abcdef"):
        messages += [image(name, order=place), completed(name, place)]
    fed(run, *messages)
    assert (run.round.settled, run.round.over) == (False, False)
    fed(run, image("g", order=6), completed("g", 6))
    assert (run.round.settled, run.round.over) == (True, False)


def test_slots_of_an_earlier_round_that_are_still_talked_about_are_passed_over():
    run = running(2)
    facts = fed(run, start("a"), image("a"), completed("a"), start("late", 1))
    run.end_round()
    run.begin(2, "r-2")
    assert fed(run, start("late", 1), image("late", order=1), completed("late", 1), completed("a")) == []
    assert run.round.slots == []
    facts += fed(run, start("b"), image("b"), completed("b"))
    run.end_round()
    assert summary(facts + run.finish())["end"] == "completed 2 0"


def test_an_unfinished_picture_counts_only_when_nothing_better_comes():
    run = running(2)
    facts = fed(run, start("a"), image("a", 30.0), start("b", 1), image("b", 80.0, order=1))
    run.end_round(CUT)
    assert run.wants_round
    run.begin(2, "r-2")
    facts += fed(run, start("c"), image("c"), completed("c"))
    run.end_round(CUT)
    run.begin(3, "r-3")
    run.end_round(SILENCE, last=True)
    told = summary(facts + run.finish())
    assert [(one[:3], one.endswith("preview")) for one in told["made"]] == [("2 c", False), ("1 b", True)]
    assert told["end"] == "completed 2 0"


def test_a_slot_with_only_a_url_is_lost_when_it_was_never_completed():
    run = running(1)
    assert ended(run, start("a"), image("a", blob=""), problem=CUT)["end"] == "failed cut"


def test_url_only_frames_are_results_by_their_urls():
    told = ended(running(1), start("a"), image("a", 100.0, blob=""), completed("a"))
    assert told["made"] == [f"0 a {PUBLIC}/a.jpg image/jpeg public"]
    assert "previews" not in told


def test_a_completed_slot_without_anything_is_lost():
    told = ended(running(1), start("a"), completed("a"))
    assert told["end"] == "failed empty image_generation_incomplete"


@pytest.mark.parametrize(
    ("blob", "mime"),
    [
        (f"data:image/png;base64,{JPEG}", "image/png"),
        (f"data:;base64,{JPEG}", "image/jpeg"),
        (f"data:image/webp;q=1;base64,{JPEG}", "image/webp"),
        (JPEG, "image/jpeg"),
    ],
)
def test_a_blob_may_be_a_data_uri(blob, mime):
    facts = fed(running(1), start("a"), image("a", blob=blob), completed("a"))
    [made] = [fact for fact in facts if isinstance(fact, Made)]
    assert (made.artifact.data, made.artifact.mime) == (b"\xff\xd8 picture", mime)


@pytest.mark.parametrize("blob", ["%", "data:image/png;base64,x", "ü", "A"])
def test_a_blob_that_is_none_leaves_the_one_before(blob):
    facts = fed(running(1), start("a"), image("a"), image("a", 70.0, blob=blob), completed("a"))
    assert [fact.artifact.data for fact in facts if isinstance(fact, Made)] == [b"\xff\xd8 picture"]


def test_relative_urls_are_the_accounts_own_and_name_their_slot():
    run = running(1)
    part, whole = "users/u/generated/a-part-1/image.jpg", "users/u/generated/a/image.jpg"
    facts = fed(run, start("a"), image("a", url=part), image("a", 100.0, url=whole), completed("a"))
    [made] = [fact for fact in facts if isinstance(fact, Made)]
    assert (made.artifact.url, made.artifact.bound) == (f"https://assets.grok.com/{whole}", True)


@pytest.mark.parametrize("place", ["order", "side_by_side_index", "grid_index"])
def test_other_names_mean_the_same(place):
    status = {"type": "json", "current_status": "start_stage", "job_id": "a", place: 0}
    picture = {"type": "image", "url": f"{PUBLIC}/unrelated.jpg", "blob": JPEG, place: 0}
    run = running(1)
    facts = fed(run, *(json.dumps(one) for one in (status, picture, {**status, "current_status": "completed"})))
    assert [fact.artifact.id for fact in facts if isinstance(fact, Made)] == ["a"]
    assert [fact.percent for fact in facts if isinstance(fact, Previewed)] == [50]


def test_a_picture_before_its_start_and_without_a_place_is_known_by_its_id():
    run = running(1)
    picture = json.dumps({"type": "image", "url": f"{PUBLIC}/a.jpg?x=1", "blob": JPEG})
    assert ended(run, picture, start("a"), completed("a"))["end"] == "completed 1 0"


def test_an_error_first_is_the_end_and_says_whose_fault():
    told = ended(running(2), error())
    assert told == {"end": "failed rate_limited"}
    assert ended(running(2), error("content-moderated", "no"))["end"] == "failed refused content_moderated"
    assert ended(running(2), error("whatever", "Something failed"))["end"] == "failed upstream"
    assert (
        ended(running(2), json.dumps({"type": "error", "error": {"code": 7, "message": "anti-bot"}}))["end"]
        == "failed challenge"
    )


def test_an_error_after_some_pictures_keeps_them_and_fails_for_the_rest():
    run = running(2)
    told = ended(run, start("a"), image("a"), completed("a"), error())
    assert (len(told["made"]), told["end"]) == (1, "failed rate_limited")
    assert not run.wants_round


def test_an_error_after_enough_pictures_does_not_matter():
    run = running(1)
    facts = fed(run, start("a"), image("a"), completed("a"))
    run.end_round(CUT)
    assert summary(facts + run.finish(CUT))["end"] == "completed 1 0"


def test_a_way_that_fails_for_a_further_round_fails_the_rest():
    run = running(2)
    facts = fed(run, start("a"), image("a"), completed("a"))
    run.end_round()
    unreachable = Problem(kind=Kind.UNREACHABLE, message="no")
    assert summary(facts + run.finish(unreachable))["end"] == "failed unreachable"


def test_silence_ends_the_run_with_what_there_is():
    told = ended(running(2), start("a"), image("a"), completed("a"), start("b", 1), problem=SILENCE, last=True)
    assert told["end"] == "completed 1 0"
    assert ended(running(2), problem=SILENCE, last=True)["end"] == "failed timeout"


def test_two_rounds_that_break_without_anything_say_so():
    run = running(1)
    run.end_round(CUT)
    assert run.wants_round
    run.begin(1, "r")
    run.end_round(CUT)
    assert not run.wants_round
    assert summary(run.finish())["end"] == "failed cut"


def test_H3_a_socket_of_unknown_messages_keeps_the_first_for_the_log():
    run = running(1)
    assert fed(run, '{"type":"news","x":1}', "nonsense", "[]", '{"type":"json","current_status":"x"}') == []
    run.end_round()
    [failed] = run.finish()
    assert failed.problem.evidence == b'{"type":"news","x":1}'


MESSAGES = st.lists(
    st.sampled_from(
        [
            *(make(name, place) for place, name in enumerate("abc") for make in (start, completed)),
            *(image(name, percent, order=place) for place, name in enumerate("abc") for percent in (0.0, 40.0, 1e9)),
            completed("a", moderated=True),
            image("b", 60.0, blob="", order=1),
            image("", 50.0, url=""),
            '{"type":"image"}',
            '{"type":"json","current_status":"completed"}',
            '{"type":"image","url":4}',
            error(),
            "{",
        ]
    ),
    max_size=30,
)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 4), st.lists(st.tuples(MESSAGES, st.sampled_from([None, CUT, SILENCE])), max_size=8))
def test_any_messages_in_any_rounds_are_an_end_and_never_too_many_pictures(n, rounds):
    run = Imagine(ImageRequest(prompt="a", n=n), OPTIONS, pro=True)
    facts = []
    for messages, problem in rounds:
        if not run.wants_round:
            break
        run.begin(1, "r")
        facts += fed(run, *messages)
        run.end_round(problem, last=problem is SILENCE)
    facts += run.finish()
    told = summary(facts)
    made = [fact for fact in facts if isinstance(fact, Made)]
    assert len(made) == run.made <= n
    assert len({fact.slot for fact in made}) == len(made)
    assert told["end"].startswith("completed" if isinstance(facts[-1], Completed) else "failed")
    assert isinstance(facts[-1], Completed) <= bool(made)


@given(st.randoms(use_true_random=False))
def test_whatever_the_order_of_slots_the_same_pictures_come(rng: random.Random):
    scripts = [
        [start(n, p), image(n, 40.0, order=p), image(n, 100.0, BETTER, p), completed(n, p)]
        for p, n in enumerate("abcd")
    ]
    messages = []
    while any(scripts):
        messages.append(rng.choice([one for one in scripts if one]).pop(0))
    run = running(4)
    facts = fed(run, *messages)
    assert {fact.artifact.id for fact in facts if isinstance(fact, Made)} == set("abcd")
    assert {fact.artifact.data for fact in facts if isinstance(fact, Made)} == {b"\xff\xd8 a better picture"}
    assert summary(facts)["percents"][-1] == 100
