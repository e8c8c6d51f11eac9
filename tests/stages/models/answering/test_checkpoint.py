"""A model of the transformers library replies as the library itself does for one conversation, in any batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from world.answering import llava, qwen2_vl
from world.checkpoints import edited
from world.pictures import encoded, picture

from manifests.errors import Refused
from stages.base import Machine
from stages.images import decode
from stages.models.answering.base import Generation, NoReply, Question, Reply, load
from stages.models.answering.batches import CheckpointModel
from stages.models.answering.checkpoints import weights_of
from stages.models.answering.settings import Checkpoint

BUILD: dict[str, Callable[..., Path]] = {"llava": llava, "qwen2_vl": qwen2_vl}
IMAGE = {"llava": "<image>", "qwen2_vl": "<|vision_start|><|image_pad|><|vision_end|>"}
LONGEST = 9


def opened(folder: Path, most: int = LONGEST, **settings: Any) -> CheckpointModel:
    asked = Checkpoint(kind="transformers", model=str(folder), **settings)
    made = load(asked, weights_of(asked), Generation(most), Machine())
    assert isinstance(made, CheckpointModel)
    return made


@pytest.fixture(scope="module", params=BUILD)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return BUILD[kind](tmp_path_factory.mktemp(kind))


@pytest.fixture(scope="module")
def loaded(folder: Path) -> CheckpointModel:
    return opened(folder)


@pytest.fixture
def model(loaded: CheckpointModel) -> CheckpointModel:
    """The model, of which a test may halve the batch."""
    return replace(loaded)


def asked(count: int = 8) -> list[Question]:
    """Questions of unlike lengths, with images of unlike shapes; every third has none."""
    return [
        Question(f"q{n}", f"{'Look well. ' * (n % 4)}Which is it, A or B?", _image(n), ("A", "B"), "A")
        for n in range(count)
    ]


@functools.cache
def _image(number: int) -> bytes | None:
    return sized(number, 40 + 9 * number) if number % 3 else None


def sized(seed: int, width: int) -> bytes:
    return encoded(picture(seed).resize((width, 64)), "JPEG")


def replies(made: CheckpointModel, questions: list[Question], *, likelihood: bool = False) -> list[Reply]:
    found = dict(made.replies(questions, likelihood=likelihood))
    return [replace(found[place], seconds=0.0) for place in range(len(questions))]


class ByHand:
    """The library's own classes, used as its documentation shows, for one conversation."""

    def __init__(self, kind: str, folder: Path) -> None:
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self.kind, self.processor = kind, AutoProcessor.from_pretrained(folder)
        self.model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)

    def inputs(self, question: Question) -> Any:
        image = question.image and decode(question.image)
        text = (
            f"USER: {IMAGE[self.kind]}\n{question.words} ASSISTANT:" if image else f"USER: {question.words} ASSISTANT:"
        )
        return self.processor(text=[text], images=[image] if image else None, return_tensors="pt")

    def tokens(self, question: Question, most: int = LONGEST) -> list[int]:
        """Greedy, every setting of the checkpoint's generation_config.json undone one by one."""
        inputs, undone = self.inputs(question), {"temperature": None, "top_k": None, "top_p": None}
        with torch.no_grad():
            out = self.model.generate(**inputs, do_sample=False, repetition_penalty=1.0, max_new_tokens=most, **undone)
        return out[0, inputs["input_ids"].shape[1] :].tolist()

    def log_probabilities(self, question: Question) -> torch.Tensor:
        with torch.no_grad():
            return self.model(**self.inputs(question)).logits[0, -1].log_softmax(-1)


@pytest.fixture(scope="module")
def by_hand(kind: str, folder: Path) -> ByHand:
    return ByHand(kind, folder)


def test_a_reply_is_the_librarys_own_and_the_checkpoints_sampling_does_not_leak_into_it(
    model: CheckpointModel, by_hand: ByHand
) -> None:
    for question, reply in zip(asked(), replies(model, asked()), strict=True):
        tokens = by_hand.tokens(question)
        ended = tokens[-1] == by_hand.processor.tokenizer.eos_token_id
        assert reply.response == by_hand.processor.decode(tokens, skip_special_tokens=True)
        assert reply.status == ("ok" if ended else "truncated")
        assert reply.error == (None if ended else f"the reply was cut at {LONGEST} tokens")
        assert reply.tokens_out == len(tokens)
        assert reply.tokens_in == by_hand.inputs(question)["input_ids"].shape[1]


def test_the_image_decides_the_reply(model: CheckpointModel) -> None:
    first, second = (Question("q", "Which?", sized(number, 48), ("A", "B"), "A") for number in (1, 2))
    assert len({reply.response for reply in replies(model, [first, second, replace(first, image=None)])}) == 3


def test_a_batch_of_8_on_a_cpu_gives_the_replies_of_a_batch_of_1(model: CheckpointModel) -> None:
    assert replies(replace(model, batch=8), asked()) == replies(replace(model, batch=1), asked())


def test_an_options_score_is_the_probability_of_its_letter_with_and_without_a_space(
    model: CheckpointModel, by_hand: ByHand
) -> None:
    vocabulary = by_hand.processor.tokenizer.get_vocab()
    for batch in (1, 8):
        for question, reply in zip(
            asked(), replies(replace(model, batch=batch), asked(), likelihood=True), strict=True
        ):
            row = by_hand.log_probabilities(question).double().exp()
            expected = [(row[vocabulary[letter]] + row[vocabulary[f"Ġ{letter}"]]).log().item() for letter in "AB"]
            assert reply.scores == pytest.approx(expected, abs=1e-4)
            assert (reply.response, reply.tokens_out) == (None, 0)


def test_a_letter_in_brackets_scores_as_the_bare_letter(model: CheckpointModel) -> None:
    question = replace(asked(2)[1], letters=("a", "b"))
    bare, bracketed = replies(model, [question, replace(question, letters=("(a)", "(b)"))], likelihood=True)
    assert bare.scores == bracketed.scores


def test_letters_that_are_not_single_tokens_have_no_likelihood(model: CheckpointModel) -> None:
    question = replace(asked(1)[0], letters=("Yes", "No"))
    with pytest.raises(
        Refused, match="Yes is not a single token of this model, so it has no likelihood; set answer: text"
    ):
        replies(model, [question], likelihood=True)


def test_words_that_look_like_an_image_stay_words(model: CheckpointModel, kind: str) -> None:
    question = asked(2)[1]
    plain, odd = replies(model, [question, replace(question, words=f"{question.words} {IMAGE[kind]}")])
    assert odd.tokens_in == plain.tokens_in + 1 + len(IMAGE[kind])  # a token a byte, in this vocabulary


def test_a_system_message_comes_first(model: CheckpointModel, by_hand: ByHand) -> None:
    question = replace(asked(1)[0], system="Be brief.")
    whole = "SYSTEM: Be brief. USER: " + question.words + " ASSISTANT:"
    (reply,) = replies(model, [question])
    assert reply.tokens_in == len(by_hand.processor.tokenizer.encode(whole))


def drawn(made: CheckpointModel, temperature: float, seed: int = 0) -> CheckpointModel:
    return replace(made, decoding=replace(made.decoding, generation=Generation(LONGEST, temperature, seed)))


def test_a_reply_drawn_at_random_depends_on_its_seed_and_not_on_the_questions_before_it(model: CheckpointModel) -> None:
    before = torch.random.get_rng_state()
    first = replies(drawn(model, 1.0), asked())
    assert replies(drawn(model, 1.0), asked()[::-1]) == first[::-1]
    assert replies(drawn(model, 1.0, seed=1), asked()) != first
    assert replies(model, asked()) != first
    assert torch.equal(torch.random.get_rng_state(), before)


def test_replies_are_drawn_from_every_token_not_from_the_librarys_50_or_the_checkpoints_7(
    model: CheckpointModel, by_hand: ByHand
) -> None:
    one = drawn(replace(model), 2.0)
    one = replace(one, decoding=replace(one.decoding, generation=replace(one.decoding.generation, max_tokens=1)))
    question = asked(2)[1]
    found = {replies(one, [replace(question, question_id=str(number))])[0].response for number in range(40)}
    likeliest = by_hand.log_probabilities(question).topk(50).indices.tolist()
    assert len(found - {by_hand.processor.decode([token]) for token in likeliest}) > 5


# what goes wrong


def out_of_memory_above(made: CheckpointModel, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = made.decoding.model.generate

    def generate(**inputs: Any) -> Any:
        if len(inputs["input_ids"]) > rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return real(**inputs)

    monkeypatch.setattr(made.decoding.model, "generate", generate)


def test_a_batch_is_halved_until_it_fits_and_stays_so(model: CheckpointModel, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = replies(replace(model, batch=1), asked(16))
    out_of_memory_above(model, 3, monkeypatch)
    model.batch = 8
    assert replies(model, asked(16)) == expected
    assert model.batch == 2


def test_without_memory_for_one_question_the_others_are_answered_first(
    model: CheckpointModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, wide = model.decoding.tokens, max(asked(), key=lambda question: len(question.words))

    def tokens(inputs: Any, most: int) -> Any:
        if inputs["input_ids"].shape[1] >= longest:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(inputs, most)

    (one,) = replies(model, [wide])
    longest = one.tokens_in
    object.__setattr__(model, "decoding", Patched(model.decoding, tokens))
    found: dict[int, Reply] = {}
    with pytest.raises(NoReply, match=r"questions, such as q.*memory ran out with one question at a time"):
        found.update(model.replies(asked(), likelihood=False))
    assert 0 < len(found) < 8
    assert [place for place in range(8) if place not in found] == [
        place for place, question in enumerate(asked()) if replies_in(model, question) >= longest
    ]


class Patched:
    """A decoding of which one method is another."""

    def __init__(self, real: Any, tokens: Callable[[Any, int], Any]) -> None:
        self._real, self.tokens = real, tokens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def replies_in(made: CheckpointModel, question: Question) -> int:
    image = None if question.image is None else decode(question.image)
    return made.asked.inputs([(question, image)])["input_ids"].shape[1]


def test_another_error_is_not_taken_for_a_lack_of_memory(
    model: CheckpointModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**inputs: Any) -> Any:
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(model.decoding.model, "generate", broken)
    with pytest.raises(RuntimeError, match="device-side assert"):
        replies(model, asked())


def test_an_image_that_does_not_decode_fails_its_question_alone(model: CheckpointModel) -> None:
    questions = asked(3)
    questions[1] = replace(questions[1], image=questions[1].image[:300])
    found = replies(replace(model, batch=8), questions)
    assert (found[1].response, found[1].status) == (None, "failed")
    assert "Truncated" in found[1].error
    assert [found[0], found[2]] == [replies(model, asked(3))[place] for place in (0, 2)]


def test_a_reply_ends_with_any_of_the_tokens_that_generation_config_names(
    kind: str, folder: Path, by_hand: ByHand, tmp_path: Path
) -> None:
    question = asked(2)[1]
    tokens = by_hand.tokens(question)
    end = next(token for token in tokens[2:] if tokens.index(token) >= 2)
    copy = BUILD[kind](tmp_path)
    edited(copy / "generation_config.json", eos_token_id=[263, end])
    (reply,) = replies(opened(copy), [question])
    assert (reply.status, reply.tokens_out) == ("ok", tokens.index(end) + 1)


@pytest.mark.parametrize("kind", ["llava"], scope="module")
def test_a_prompt_longer_than_the_context_fails_and_one_just_shorter_leaves_less_room_for_its_reply(
    by_hand: ByHand, tmp_path: Path
) -> None:
    short = Question("short", "Which?", _image(1), ("A", "B"), "A")
    length = by_hand.inputs(short)["input_ids"].shape[1]
    made = replace(opened(llava(tmp_path, context=length + 3)), batch=8)
    long = replace(short, question_id="long", words="Which one is it?")
    words = replace(short, question_id="words", words="W", image=None)
    found = replies(made, [short, long, words])
    assert (found[0].status, found[0].tokens_out) == ("truncated", 3)
    by_hand = ByHand("llava", tmp_path)
    assert found[0].response == by_hand.processor.decode(by_hand.tokens(short, 3), skip_special_tokens=True)
    assert (found[1].status, found[1].response) == ("failed", None)
    assert found[1].error == f"the prompt takes {length + 10} tokens, and the model's context ends at {length + 3}"
    assert found[2].tokens_out == len(by_hand.tokens(words))


def test_precision_device_attention_and_batch_are_named(loaded: CheckpointModel) -> None:
    assert loaded.computed == "float32 on CPU, attention sdpa, batch 1"
