"""An evaluation asks only what was not asked yet, and says what each model is worth."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from world.asked_here import asked_here, evaluated, score, table_of
from world.authoring import author, frozen_run, paired_run
from world.chat_server import chat_server, completion, failure, said

import blindpairs
from manifests.errors import NotCommitted, Refused, TasksFailed, Waiting
from pipeline.launch.evaluate import evaluate, of_recipe, of_run, scores
from pipeline.run.run import Run

PAIRS = 40


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with 40 frozen pairs, of which the built-in models answered the questions. Not to be changed."""
    run = frozen_run(tmp_path_factory.mktemp("evaluated"), PAIRS)
    evaluated(run, "oracle=oracle", "a=always_a", "blind=always_a,vision=false", "coin=coin")
    return run


def test_who_knows_all_gets_all_and_who_always_says_a_gets_half_of_the_questions_and_no_pair(run: Path) -> None:
    for model, questions, pairs in (("oracle", 80, 40), ("a", 40, 0), ("blind", 40, 0)):
        assert (score(run, model, "question_accuracy")["right"], score(run, model, "question_accuracy")["of"]) == (
            questions,
            80,
        )
        assert (score(run, model, "group_accuracy")["right"], score(run, model, "group_accuracy")["of"]) == (pairs, 40)


def test_a_coin_gets_half_of_the_questions_and_a_quarter_of_the_pairs_within_its_interval(run: Path) -> None:
    for metric, expected in (("question_accuracy", 0.5), ("group_accuracy", 0.25)):
        row = score(run, "coin", metric)
        assert row["low"] < expected < row["high"]


def test_every_prompt_and_reply_is_kept(run: Path) -> None:
    rows = [row for row in table_of(run, "predictions-a") if row["model"] == "a"]
    assert len(rows) == 80
    assert {row["response"] for row in rows} == {"A"}
    assert all("A. Open\nB. Closed" in row["prompt"] for row in rows)
    assert {row["vision"] for row in rows} == {True}
    assert {row["vision"] for row in table_of(run, "predictions-blind")} == {False}


def test_the_page_lies_beside_the_steps_and_no_reply_is_left_over(run: Path) -> None:
    folder = run / "evaluation-1"
    assert (folder / "leaderboard.html").stat().st_size > 1000
    assert not list(folder.glob("_replies/*"))


def test_python_has_the_same_scores_and_answers(run: Path) -> None:
    opened = blindpairs.open(run)
    assert opened.scores().to_pylist() == table_of(run, "scores")
    assert opened.answers().num_rows == 4 * 80


def test_a_model_is_added_later_and_nobody_else_is_asked_again(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 3)
    evaluated(run, "oracle=oracle")
    with asked_here() as executor:
        evaluate(of_run(str(run), ["a=always_a"]), quiet=True)
    assert executor.made == ["predictions-a/00000", "answers/oracle-00000", "answers/a-00000", "scores/00000"] or not [
        name for name in executor.made if name.startswith("predictions-oracle")
    ]
    assert {row["model"] for row in table_of(run, "scores")} == {"oracle", "a"}


def test_a_model_with_other_settings_under_the_same_name_is_refused(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    evaluated(run, "m=always_a")
    with pytest.raises(Refused, match=r"model\.kind was always_a, now coin.*Give the model another name"):
        evaluated(run, "m=coin")
    assert {row["response"] for row in table_of(run, "predictions-m")} == {"A"}


def test_a_new_version_of_the_questions_is_an_evaluation_of_its_own(tmp_path: Path) -> None:
    from pipeline.benchmark.freeze import freeze

    run = paired_run(tmp_path, 3)
    author(run, [0, 1])
    freeze(Run.open(str(run)))
    evaluated(run, "a=always_a")
    author(run, [2])
    freeze(Run.open(str(run)))
    evaluated(run, "a=always_a")
    assert len(table_of(run, "predictions-a", 1)) == 4
    assert len(table_of(run, "predictions-a", 2)) == 6
    assert scores(str(run)).to_json() != scores(str(run), version=1).to_json()


def test_a_server_that_refuses_everything_leaves_the_others_scored(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    with chat_server(failure(401, "Incorrect API key provided")) as server, pytest.raises(TasksFailed, match="401"):
        evaluated(run, f"gpt=openai:made-up,url={server.url}", "a=always_a")
    assert {row["model"] for row in table_of(run, "scores")} == {"a"}
    with chat_server(said("B")) as server:
        evaluated(run, "a=always_a")
    assert {row["model"] for row in table_of(run, "scores")} == {"a"}


def test_an_image_that_is_gone_is_a_row_with_its_reason_and_the_model_has_no_headline(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 3)
    sorted((tmp_path / "made-photos").iterdir())[0].unlink()
    evaluated(run, "a=always_a")
    (failed,) = [row for row in table_of(run, "predictions-a") if row["status"] != "ok"]
    assert failed["status"] == "failed"
    assert "No such file" in failed["error"]
    assert score(run, "a", "group_accuracy")["value"] is None
    assert score(run, "a", "failed")["right"] == 1
    said = str(scores(str(run)))
    assert "1 failed; no figures without those" in said
    assert "asks those again" not in said  # the step is finished: the same command asks nothing


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("oracle", "write it as NAME=KIND"),
        ("x=oracel", "did you mean oracle"),
        ("x=coin,sed=1", "did you mean seed"),
        ("x=openai:m", "url"),
        ("a/b=oracle", "a/b"),
        ("x=coin,prompt=mvp", "mmvp"),
        ("x=openai:m,url=ftp://h", "ftp://h"),
    ],
)
def test_a_model_that_is_named_wrongly_is_refused_before_anything_is_asked(
    model: str, words: str, tmp_path: Path
) -> None:
    run = frozen_run(tmp_path, 1)
    with pytest.raises(Refused, match=words):
        evaluated(run, model)
    assert not (run / "evaluation-1").exists()


def test_two_models_of_one_name_and_no_model_are_refused(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 1)
    with pytest.raises(Refused, match="two models are called a"):
        evaluated(run, "a=coin", "a=oracle")
    with pytest.raises(Refused, match="at least one model"):
        evaluated(run)


def test_a_run_without_questions_waits_for_people(tmp_path: Path) -> None:
    with pytest.raises(Waiting, match="freeze"):
        evaluated(paired_run(tmp_path, 1), "a=oracle")


def test_a_recipe_says_the_same_as_the_command(tmp_path: Path, run: Path) -> None:
    recipe = tmp_path / "evaluation.yaml"
    recipe.write_text(f"benchmark: {{kind: run, uri: {run}, version: 1}}\nmodels: {{a: {{kind: always_a}}}}\n")
    by_command = of_run(str(run), ["a=always_a"])
    assert of_recipe(str(recipe)).config == by_command.config
    assert of_recipe(str(recipe)).folder == by_command.folder
    with pytest.raises(Refused, match="did you mean models"):
        of_recipe({"benchmark": {"kind": "run", "uri": str(run), "version": 1}, "model": {}})


def test_other_rules_read_the_kept_replies_again_without_asking(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    with chat_server(said("Both doors look shut to me, so it is Closed.")) as server:
        evaluated(run, f"gpt=openai:made-up,url={server.url}")
        asked = len(server.asked)
        assert asked == 4
        assert {row["status"] for row in table_of(run, "answers")} == {"unparsed"}
        with asked_here():
            scores(str(run), reader="ours")
        assert len(server.asked) == asked
    assert {(row["answer"], row["status"]) for row in table_of(run, "answers")} == {("b", "ok")}


def test_how_fast_a_server_is_asked_changes_no_kept_reply(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    with chat_server(said("A"), said("B"), failure(400, "too long"), failure(401), said("A")) as server:
        with pytest.raises(TasksFailed, match="401"):
            evaluated(run, f"gpt=openai:m,url={server.url},in_flight=1")
        evaluated(run, f"gpt=openai:m,url={server.url},in_flight=2,timeout_s=60,deadline_s=70")
        assert len(server.asked) == 5
    assert [row["response"] for row in table_of(run, "predictions-gpt")] == ["A", "B", None, "A"]


def test_an_evaluation_that_is_not_scored_is_scored_without_asking(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    evaluated(run, "oracle=oracle")
    shutil.rmtree(run / "evaluation-1" / "answers")
    with pytest.raises(NotCommitted, match="--reader form"):
        scores(str(run))
    with asked_here():
        assert [one.name for one in scores(str(run), reader="form").evaluation.models] == ["oracle"]


def test_an_evaluation_has_the_questions_of_one_version(run: Path) -> None:
    folder = str(run / "evaluation-1")
    assert str(scores(folder, version=1)) == str(scores(folder))
    with pytest.raises(Refused, match="not of questions-2"):
        scores(folder, version=2)


def test_a_recipe_of_a_runs_questions_has_its_folder(run: Path) -> None:
    benchmark = {"kind": "run", "uri": str(run), "version": 1}
    with pytest.raises(Refused, match="--to does not apply"):
        of_recipe({"benchmark": benchmark, "models": {"oracle": {"kind": "oracle"}}}, "elsewhere")


def test_the_tokens_of_all_replies_are_added_up_and_priced_if_prices_are_given(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    with chat_server(completion("A", usage=(900, 3))) as server:
        model = f"gpt=openai:m,url={server.url}"
        summary = evaluated(run, f"{model},price_in=2,price_out=8")
        unpriced = evaluated(run, model)
    (found,) = summary.to_json()["models"]
    assert found["spent"] == {"tokens_in": 3600, "tokens_out": 12, "money": pytest.approx(0.007296)}
    assert "gpt: 3,600 tokens in requests, 12 in replies, which cost 0.01 at the prices given" in str(summary)
    assert unpriced.to_json()["models"][0]["spent"] == {"tokens_in": 3600, "tokens_out": 12, "money": None}
